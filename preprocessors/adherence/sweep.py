"""A row of weights: reading it, and what its adherences say."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST = 64
_WHO = "Weight Sweep, input weights"


def parse_weights(text: str, who: str = _WHO) -> list[float]:
    """Weights from text: numbers separated by commas, each a number or a range start:end:step, ends included.

    who: where the text stands, for errors. Raises ValueError that names the piece that is not understood, for more than 64
    weights, and for none.
    """
    weights: list[float] = []
    for piece in filter(None, (part.strip() for part in text.split(","))):
        weights += _range(piece, who) if ":" in piece else [_number(piece, piece, who)]
        if len(weights) > MOST:
            raise ValueError(f"{who}: more than {MOST} weights. Each is a whole sampling run; take larger steps.")
    if not weights:
        raise ValueError(f"{who}: there is none. Write numbers such as 0, 0.5, 1, or a range such as 0:1:0.25.")
    return list(dict.fromkeys(weights))


def _range(piece: str, who: str) -> list[float]:
    parts = piece.split(":")
    if len(parts) != 3:
        raise ValueError(f"{who}: {piece!r} is not a range. Write start:end:step, such as 0:1:0.25.")
    start, end, step = (_number(part, piece, who) for part in parts)
    if step <= 0 or end < start:
        raise ValueError(f"{who}: {piece!r} does not go upwards. Write start:end:step with start below end.")
    steps = (end - start) / step + 1e-6
    if steps >= MOST:
        raise ValueError(f"{who}: {piece!r} has too many weights, {MOST} is the most. Take larger steps.")
    return [round(start + step * number, 6) for number in range(math.floor(steps) + 1)]


def _number(text: str, piece: str, who: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{who}: {piece!r} is not a number. Write numbers such as 0, 0.5, 1, or a range such as 0:1:0.25."
        )
    return value


@dataclass(frozen=True)
class Swept:
    """points: (weight, adherence) by rising weight, each the mean over the pictures of that weight; enough: the smallest
    weight whose adherence reaches the wanted one, or None.
    """

    points: tuple[tuple[float, float], ...]
    wanted: float
    enough: float | None

    @property
    def report(self) -> str:
        lines = [f"weight {weight:g}: adherence {value:.3f}" for weight, value in self.points]
        if self.enough is not None:
            return "\n".join((f"Weight {self.enough:g} is the smallest that reaches {self.wanted:g}.", *lines))
        best = max(self.points, key=lambda point: point[1])
        first = f"No weight reaches {self.wanted:g}; the best is {best[1]:.3f} at weight {best[0]:g}."
        return "\n".join((first, *lines))


def evaluate(weights: list[float], adherences: list[float], wanted: float) -> Swept:
    """Both lists in the same order, one entry per picture."""
    if len(weights) != len(adherences) or not weights:
        raise ValueError(
            f"Sweep Sheet: {len(weights)} weights and {len(adherences)} adherences came in; there must be one for each "
            "picture. Link the same Weight Sweep to the signal and to the sheet."
        )
    by_weight: dict[float, list[float]] = {}
    for weight, value in zip(weights, adherences, strict=True):
        by_weight.setdefault(weight, []).append(value)
    points = tuple((weight, sum(values) / len(values)) for weight, values in sorted(by_weight.items()))
    return Swept(points, wanted, next((weight for weight, value in points if value >= wanted), None))
