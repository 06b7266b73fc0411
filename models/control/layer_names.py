"""The residuals of a control net by the names that people use for the layers of a network.

A control net hands the host up to three lists of residuals (`input`, `middle`, `output`). Where a residual goes, and so
what it is called, follows from the list, from its place there and from its shape:

- UNets, ControlNet: `output[i]` is made by the copy of input block i and added to the skip connection that output block n-1-i
  takes up, so it answers to both names, `input.i` and `output.(n-1-i)`.
- UNets, T2I-Adapter: the list `input` is taken from its end, one for each input block.
- Transformers: `input[i]` is added behind double block i and `output[i]` behind single block i (Flux). Where there is but
  one list (SD3, Qwen-Image, Hunyuan-DiT), it is that of the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

FAMILIES: dict[str, str] = {
    "input": "input blocks of a UNet (IN00, IN01, ...), fine to coarse",
    "middle": "middle block of a UNet",
    "output": "output blocks of a UNet (OUT00, OUT01, ...), coarse to fine",
    "level": "resolution levels of a UNet; level.0 is the full latent, each next one half of it",
    "double": "double blocks of Flux",
    "single": "single blocks of Flux",
    "block": "blocks of SD3, Qwen-Image and Hunyuan-DiT",
}

Place = tuple[str, int]


@dataclass(frozen=True)
class Layer:
    """One residual. place: the host's list and the index there; names: what it may be called, the usual name first.

    distance: how many layers lie between it and the one that acts most on the layout (0), for soft weights.
    """

    place: Place
    names: tuple[str, ...]
    distance: float


def layers_of(residuals: Mapping[str, Sequence[torch.Tensor | None]], latent_height: int) -> tuple[Layer, ...]:
    """The residuals of one call by name, from the fine (or first) to the coarse (or last); empty places are left out."""
    tokens = any(one.ndim == 3 for group in residuals.values() for one in group if one is not None)
    return _transformer(residuals) if tokens else _unet(residuals, latent_height)


def described(layers: Iterable[Layer]) -> str:
    """The names that a net has, for messages: "input.0 to input.3, middle, ..."."""
    numbers: dict[str, list[int]] = {}
    for name in (name for layer in layers for name in layer.names):
        family, _, number = name.partition(".")
        numbers.setdefault(family, []).extend([int(number)] if number else [])
    return ", ".join(_range(family, found) for family, found in numbers.items())


def _range(family: str, numbers: list[int]) -> str:
    if not numbers:
        return family
    low, high = min(numbers), max(numbers)
    return f"{family}.{low}" if low == high else f"{family}.{low} to {family}.{high}"


def _unet(residuals: Mapping[str, Sequence[torch.Tensor | None]], latent_height: int) -> tuple[Layer, ...]:
    found: list[tuple[Place, tuple[str, ...]]] = []
    skips, additions = residuals.get("output", ()), residuals.get("input", ())
    for index, residual in enumerate(skips):
        if residual is not None:
            names = (f"input.{index}", f"output.{len(skips) - 1 - index}", _level(residual, latent_height))
            found.append((("output", index), names))
    for index in reversed(range(len(additions))):
        residual = additions[index]
        if residual is not None:
            names = (f"input.{len(additions) - 1 - index}", _level(residual, latent_height))
            found.append((("input", index), names))
    found += [(("middle", i), ("middle",)) for i, one in enumerate(residuals.get("middle", ())) if one is not None]
    return tuple(Layer(place, names, len(found) - 1 - rank) for rank, (place, names) in enumerate(found))


def _level(residual: torch.Tensor, latent_height: int) -> str:
    return f"level.{max(0, round(math.log2(latent_height / residual.shape[-2])))}"


# The twelve layers of an SD1.5 ControlNet above its middle: the span that soft weights were made for.
_SPAN = 12


def _transformer(residuals: Mapping[str, Sequence[torch.Tensor | None]]) -> tuple[Layer, ...]:
    """The first blocks settle the layout, so the distance grows with depth; over the whole network it is that of SD1.5."""
    groups = [group for group in ("input", "output") if any(one is not None for one in residuals.get(group, ()))]
    families = dict(zip(groups, ("double", "single") if len(groups) == 2 else ("block",), strict=False))
    found = [
        ((group, index), (f"{families[group]}.{index}",))
        for group in groups
        for index, residual in enumerate(residuals[group])
        if residual is not None
    ]
    last = max(1, len(found) - 1)
    return tuple(Layer(place, names, _SPAN * rank / last) for rank, (place, names) in enumerate(found))
