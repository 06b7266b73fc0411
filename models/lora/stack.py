"""A stack of LoRAs, in the form that all packs share, and the options that only this pack knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...preprocessors.images.checks import check_range
from ..guidance.curve import CONSTANT, Curve
from ..guidance.layer_weights import LayerWeights

LEAST_SHARE = 0.5  # of its keys that a LoRA must fit, or applying it is an error

Row = tuple[str, float, float]
LIMIT = 100.0
NO_BLOCKS = LayerWeights()


def extended(stack: Any, name: str, strength_model: float, strength_clip: float, enabled: bool = True) -> list[Row]:
    """A new LORA_STACK: the rows of `stack` and, when enabled, one more."""
    rows = read_stack(stack)
    for label, value in (("strength_model", strength_model), ("strength_clip", strength_clip)):
        check_range(f"LoRA Stack, input {label}", value, -LIMIT, LIMIT)
    return [*rows, (name, float(strength_model), float(strength_clip))] if enabled else rows


def read_stack(stack: Any) -> list[Row]:
    """The rows of a LORA_STACK from any pack, as new exact tuples (name, strength_model, strength_clip); [] for None."""
    if stack is None:
        return []
    if not isinstance(stack, list | tuple):
        raise ValueError(
            f"LoRA stack: a LORA_STACK is a list of LoRAs, not {type(stack).__name__}. Link a LoRA Stack node."
        )
    return [_row(row, number) for number, row in enumerate(stack, start=1)]


def _row(row: Any, number: int) -> Row:
    try:
        name, model, clip = row
        if isinstance(name, str):
            return name, float(model), float(clip)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"LoRA stack: entry {number} is {row!r}; a LORA_STACK holds (name, strength_model, strength_clip). "
        "Check the node that made the stack."
    )


@dataclass(frozen=True)
class LoRAOptions:
    """What one LoRA of a stack gets beside its strengths: weights of single blocks, and a curve over the sampling."""

    name: str
    blocks: LayerWeights = NO_BLOCKS
    schedule: Curve = CONSTANT

    @property
    def is_scheduled(self) -> bool:
        return not self.schedule.is_constant


def with_options(previous: Any, name: str, block_weights: str, schedule: Any) -> tuple[LoRAOptions, ...]:
    """LORA_OPTIONS: those before and one more; of two for the same LoRA the later one counts."""
    before = check_options(previous)
    one = LoRAOptions(name, LayerWeights.from_text(block_weights or ""), Curve.read(schedule))
    return (*(option for option in before if option.name != name), one)


def check_options(options: Any) -> tuple[LoRAOptions, ...]:
    """LORA_OPTIONS, or ValueError; () for None."""
    if options is None:
        return ()
    if not isinstance(options, tuple) or not all(isinstance(option, LoRAOptions) for option in options):
        raise ValueError(f"LoRA options: LORA_OPTIONS are wanted, not {type(options).__name__}. Link LoRA Options.")
    return options
