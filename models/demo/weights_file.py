"""Weights in a quarter of their size: eight bits with one factor per row; vectors in sixteen bits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from .codes import stays_as_in_unet

WEIGHTS = Path(__file__).parent / "weights"
_FACTOR = ".row_factor"
_LEVELS = 127


def pack(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices and kernels as int8 [rows, ...] and float16 factors [rows] under NAME.row_factor, vectors as float16."""
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() < 2:
            packed[name] = tensor.half()
            continue
        rows = tensor.float().flatten(1)
        factor = (rows.abs().amax(1) / _LEVELS).clamp(min=1e-7).half()
        levels = (rows / factor.float()[:, None]).round().clamp(-_LEVELS, _LEVELS)
        packed[name] = levels.to(torch.int8).view(tensor.shape)
        packed[name + _FACTOR] = factor
    return packed


def unpack(packed: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The float32 tensors that `pack` stored."""
    result = {}
    for name, tensor in packed.items():
        if name.endswith(_FACTOR):
            continue
        factor = packed.get(name + _FACTOR)
        value = tensor.float()
        result[name] = value if factor is None else value * factor.float().view(-1, *[1] * (value.dim() - 1))
    return result


def trained_parts() -> tuple[str, ...]:
    """The parts whose weights the pack holds."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def load(part: str) -> dict[str, torch.Tensor]:
    """The weights of a part of the embedded model. FileNotFoundError when the pack does not hold it.

    A ControlNet's file lacks what the UNet's file has.
    """
    from safetensors.torch import load_file

    path = WEIGHTS / f"{part}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"The demo model's part {part} is not in the pack ({path}): it has not been trained yet."
        )
    weights = unpack(load_file(path))
    if not part.startswith("controlnet_"):
        return weights
    return {name: value for name, value in load("unet").items() if stays_as_in_unet(name)} | weights
