"""How well a picture follows each of the signals that it was drawn with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from ...preprocessors.adherence.adherence import AUTO, Request, adherence
from .signal import ControlSignal
from .stack import ControlStack
from .union_signal import UnionSignal

Together = Literal["mean", "lowest"]
TOGETHER: tuple[Together, ...] = get_args(Together)


@dataclass(frozen=True)
class Measured:
    """Relative adherence by signal, in the order of the stack (0 is chance, 1 a perfect fit), and why others have none."""

    values: dict[str, float]
    unmeasured: dict[str, str]

    def together(self, how: Together) -> float:
        """One number for all of them."""
        values = list(self.values.values())
        return min(values) if how == "lowest" else sum(values) / len(values)


def signals_of(stack: ControlStack) -> Iterator[tuple[str, ControlSignal]]:
    """Every signal with a map of its own and a weight above 0, the parts of a union signal among them, with its name."""
    for number, signal in enumerate(stack.signals, start=1):
        parts = signal.parts if isinstance(signal, UnionSignal) else (signal,)
        for place, part in enumerate(parts, start=1):
            if part.weight > 0 and signal.weight > 0:
                yield f"signal {number}" + (f" part {place}" if len(parts) > 1 else ""), part


def measure_stack(picture: torch.Tensor, stack: ControlStack, source: torch.Tensor | None = None) -> Measured:
    """picture: [B,H,W,3]; source: [B or 1,H,W,3], what the maps were made of, which poses need. Each signal is looked at by the
    method that its map is known to be from, or else looks like, over the whole picture.
    """
    values, unmeasured = {}, {}
    for name, signal in signals_of(stack):
        try:
            values[name] = relative(picture, signal.image, source)
        except ValueError as error:  # a kind that cannot be told, or whose method needs what is not here
            unmeasured[name] = str(error)
    return Measured(values, unmeasured)


def relative(picture: torch.Tensor, image: torch.Tensor, source: torch.Tensor | None = None) -> float:
    """Relative adherence of a picture to a map, mean over its pictures. ValueError where it cannot be told."""
    wanted = image
    if len(image) not in (1, len(picture)):  # as the host hands maps out: in turn
        wanted = torch.stack([image[place % len(image)] for place in range(len(picture))])
    made = adherence(picture, wanted, Request(AUTO, {}), source)
    value: Any = json.loads(made.json)["relative"]
    if value is None:
        raise ValueError("a shuffled map fits about as well, so adherence to this map cannot be told.")
    return float(value)
