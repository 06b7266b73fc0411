"""Where in the network a picture acts: the weight types that users know, as a role for each attention layer.

Style and composition live in few blocks (InstantStyle, arXiv 2404.02733): for SDXL `output.1` and `input.8`. The other
tables are those of ComfyUI_IPAdapter_plus, by the names of the blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ...preprocessors.images.checks import check_choice
from .layers import CrossAttention

Source = Literal["image", "composition"]


@dataclass(frozen=True)
class Role:
    """What one layer does. factor: on the weight; source: which picture it follows; inverted: the picture acts in the
    half of the negative prompt instead of the prompt's, so that guidance leads away from it.
    """

    factor: float = 1.0
    source: Source = "image"
    inverted: bool = False


Roles = dict[str, Role]


@dataclass(frozen=True)
class Parts:
    """The blocks of one family that hold style and composition, and the weight of the latter."""

    style: tuple[str, ...]
    composition: Mapping[str, float]
    rest: tuple[str, ...]


def _blocks(part: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{part}.{number}" for number in numbers)


PARTS: dict[str, Parts] = {
    "sd15": Parts(
        style=(*_blocks("input", 1, 2, 4, 5), *_blocks("output", 5, 6, 7, 8, 9, 10, 11)),
        composition={"input.7": 0.25, "input.8": 1.0},
        rest=("middle", *_blocks("output", 3, 4)),
    ),
    "sdxl": Parts(
        style=("output.1",),
        composition={"input.8": 1.0},
        rest=(*_blocks("input", 4, 5, 7), "middle", *_blocks("output", 0, 2, 3, 4, 5)),
    ),
}
PARTS["kolors"] = PARTS["sdxl"]

_WEAK = 0.2
_LEAST = 0.05


def _style(parts: Parts, **role: object) -> Roles:
    return {block: Role(**role) for block in parts.style}  # type: ignore[arg-type]


def _composition(parts: Parts, plain: bool = False, **role: object) -> Roles:
    return {
        block: Role(1.0 if plain else factor, **role)  # type: ignore[arg-type]
        for block, factor in parts.composition.items()
    }


def _rest(parts: Parts, factor: float = 1.0, **role: object) -> Roles:
    return {block: Role(factor, **role) for block in parts.rest}  # type: ignore[arg-type]


def _composition_precise(parts: Parts) -> Roles:
    """Composition as it is; style, and a little of the rest, are what guidance leads away from."""
    return {**_composition(parts), **_style(parts, inverted=True), **_rest(parts, 0.1, inverted=True)}


# Weight types that act in chosen blocks only.
BY_BLOCK: dict[str, Callable[[Parts], Roles]] = {
    "style transfer": _style,
    "composition": _composition,
    "strong style transfer": lambda parts: {**_style(parts), **_rest(parts)},
    "style and composition": lambda parts: {**_style(parts), **_composition(parts, source="composition")},
    "strong style and composition": lambda parts: {
        **_style(parts),
        **_rest(parts),
        **_composition(parts, plain=True, source="composition"),
    },
    "style transfer precise": lambda parts: {**_style(parts), **_composition(parts, inverted=True)},
    "composition precise": _composition_precise,
}


def _eased(share: float) -> float:
    return _LEAST + (1 - _LEAST) * share


def _weaker(*parts: str) -> Callable[[str, float], float]:
    return lambda block, _depth: _WEAK if block.partition(".")[0] in parts else 1.0


# Weight types that act everywhere: (block, depth in the network, 0..1) -> factor.
EVERYWHERE: dict[str, Callable[[str, float], float]] = {
    "linear": lambda _block, _depth: 1.0,
    "ease in": lambda _block, depth: _eased(1 - depth),
    "ease out": lambda _block, depth: _eased(depth),
    "ease in-out": lambda _block, depth: _eased(1 - abs(2 * depth - 1)),
    "reverse in-out": lambda _block, depth: _eased(abs(2 * depth - 1)),
    "weak input": _weaker("input"),
    "weak output": _weaker("output"),
    "weak middle": _weaker("middle"),
    "strong middle": _weaker("input", "output"),
}

_OF_UNETS = ("weak input", "weak output", "weak middle", "strong middle")
LINEAR = "linear"
WEIGHT_TYPES: tuple[str, ...] = (*EVERYWHERE, *BY_BLOCK)


def roles(weight_type: str, layers: tuple[CrossAttention, ...], family: str, who: str) -> dict[CrossAttention, Role]:
    """The role of each layer that acts; ValueError for a type that is unknown or names blocks that the model lacks."""
    check_choice(f"{who}, input weight_type", weight_type, WEIGHT_TYPES)
    if weight_type in _OF_UNETS and not any(layer.block.startswith(("input", "output")) for layer in layers):
        raise ValueError(
            f'{who}: weight_type "{weight_type}" is for UNets; this model has no input and output blocks. Choose linear or '
            "one of the ease types, or set weights for single blocks with Layer Weights."
        )
    if weight_type in EVERYWHERE:
        factor = EVERYWHERE[weight_type]
        transformers = len({layer.ordinal for layer in layers})
        return {layer: Role(factor(layer.block, layer.ordinal / transformers)) for layer in layers}
    blocks = {layer.block for layer in layers}
    parts = PARTS.get(family)
    table = {} if parts is None else BY_BLOCK[weight_type](parts)
    missing = [block for block in table if block not in blocks]
    if missing or not table:
        lacking = f"the blocks {', '.join(missing)}" if missing else "style and composition blocks that are known"
        raise ValueError(
            f'{who}: weight_type "{weight_type}" needs {lacking}, which this model does not have. It has '
            f"{', '.join(dict.fromkeys(layer.block for layer in layers))}. Choose linear, and set weights for single blocks "
            "with Layer Weights."
        )
    return {layer: table[layer.block] for layer in layers if layer.block in table}


def follows_composition(weight_type: str) -> bool:
    """Whether a weight type has blocks that follow a composition picture of their own."""
    return weight_type in ("style and composition", "strong style and composition")
