"""Weights of a LoRA for single blocks of the network, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..control.layer_names import Layer
from ..control.layer_weights import LayerWeights
from .matching import Target

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("input", re.compile(r"input_blocks\.(\d+)\.")),
    ("middle", re.compile(r"middle_block\.()")),
    ("output", re.compile(r"output_blocks\.(\d+)\.")),
    ("double", re.compile(r"double_blocks\.(\d+)\.")),
    ("single", re.compile(r"single_blocks\.(\d+)\.")),
    ("block", re.compile(r"(?:joint_blocks|transformer_blocks|blocks|layers)\.(\d+)\.")),
)


def block_of(key: str) -> str:
    """'input.4', 'middle', 'double.3' of a model key; '' for what lies outside the blocks."""
    for family, pattern in _PATTERNS:
        found = pattern.search(key)
        if found:
            return f"{family}.{found[1]}" if found[1] else family
    return ""


def block_factors(targets: Iterable[Target], weights: LayerWeights, who: str) -> dict[Target, float]:
    """The factor of each target; ValueError, listing the blocks that there are, when an entry names none of them."""
    names = {target: block_of(target if isinstance(target, str) else target[0]) for target in targets}
    order = [name for name in dict.fromkeys(names.values()) if name]
    layers = [Layer((name, 0), (name,), 0.0) for name in order]
    for entry in weights.entries:
        if not any(entry.names(layer) for layer in layers):
            raise ValueError(
                f'{who}: its block weights name "{entry}", which it does not touch in this model. '
                f"It touches {', '.join(order) or 'no block'}."
            )
    by_name = {layer.names[0]: _factor(layer, weights) for layer in layers}
    return {target: by_name.get(name, 1.0) for target, name in names.items()}


def _factor(layer: Any, weights: LayerWeights) -> float:
    factor = 1.0
    for entry in weights.entries:
        if entry.names(layer):
            factor *= entry.factor
    return factor
