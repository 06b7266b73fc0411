"""From a measure to a score that means something: 0 no better than chance, 1 as good as the source picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from .measures import Measured

_LEAST_SPAN = 0.05  # between chance and source; closer together, nothing can be told


@dataclass(frozen=True)
class Score:
    """One picture. absolute: the measure itself; source: what the source picture reaches, or a perfect 1; chance: what the
    picture reaches against shuffled maps; relative: None where chance is as good as the source.
    """

    absolute: float
    source: float
    chance: float
    relative: float | None
    details: dict[str, float]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def score(
    found: torch.Tensor,
    wanted: torch.Tensor,
    others: list[torch.Tensor],
    source: Measured | None,
    measure: Callable[[torch.Tensor, torch.Tensor], Measured],
) -> Score:
    """found, wanted, others: maps [H,W,3]; others are wanted by other pictures and join the shuffled maps."""
    measured = measure(found, wanted)
    chances = [measure(found, other).score for other in (*shuffled(wanted), *others)]
    return related(measured, 1.0 if source is None else source.score, sum(chances) / len(chances))


def related(measured: Measured, source: float, chance: float) -> Score:
    """The score of a measurement between chance and what the source reaches."""
    span = source - chance
    relative = (measured.score - chance) / span if span >= _LEAST_SPAN else None
    return Score(measured.score, source, chance, relative, measured.details)


def shuffled(wanted: torch.Tensor) -> list[torch.Tensor]:
    """The same map where its content has lost its place: turned by half a turn, and rolled by half along each axis."""
    height, width = wanted.shape[:2]
    return [wanted.flip(0, 1), wanted.roll(height // 2, 0), wanted.roll(width // 2, 1)]
