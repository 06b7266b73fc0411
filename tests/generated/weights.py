"""Seeded random values for a table of shapes: what an untrained network of that layout could hold.

The values are uniform, not normal: uniform numbers come straight from the bits of the generator, so the bytes of a file do
not depend on how a processor rounds a logarithm. Every tensor has a generator of its own, seeded by its name, so adding or
removing one tensor leaves the others alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

RULES = 1
"""Raise this when the rules below change: it is part of every file's hash."""

NORM_SPREAD = 0.1
BIAS_SPREAD = 0.05


def shapes_of(module: Module) -> dict[str, tuple[int, ...]]:
    """The names and shapes of everything in ``module``'s state dict; the module may live on the meta device."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def random_weights(
    shapes: Mapping[str, tuple[int, ...]],
    seed: int,
    dtype: str,
    gains: Mapping[str, float] | None = None,
) -> dict[str, Tensor]:
    """Return one tensor of type ``dtype`` (a torch dtype's name) per entry of ``shapes``.

    Matrices and kernels have standard deviation gain / sqrt(fan in), which keeps the scale of an activation from layer to
    layer (LeCun initialisation). Norm weights scatter around 1 and biases around 0, so that no channel equals another.
    ``gains`` maps a part of a name to its gain; names that match none have gain 1.
    """
    import torch

    torch_dtype = getattr(torch, dtype)
    return {
        name: _random_tensor(name, shape, seed, _gain_of(name, gains or {})).to(torch_dtype)
        for name, shape in shapes.items()
    }


def _gain_of(name: str, gains: Mapping[str, float]) -> float:
    return next((gain for part, gain in gains.items() if part in name), 1.0)


def _random_tensor(name: str, shape: tuple[int, ...], seed: int, gain: float) -> Tensor:
    """float32 values of variance gain^2 / fan in (see `random_weights`) around the mean that suits the tensor's role."""
    import torch

    generator = torch.Generator().manual_seed(_seed_of(name, seed))
    noise = torch.rand(shape, generator=generator).sub_(0.5).mul_(2 * math.sqrt(3))
    if name.endswith("bias"):
        return noise.mul_(BIAS_SPREAD)
    if len(shape) == 1:
        return noise.mul_(NORM_SPREAD).add_(1)
    return noise.mul_(gain / math.sqrt(math.prod(shape[1:])))


def _seed_of(name: str, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
