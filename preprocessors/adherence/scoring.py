"""From a measure to a score that means something: 0 no better than chance, 1 as good as the source picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from ..images.kinds import MapKind, Measure
from . import measures
from .measures import Measured, angles_between, reached

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


# The measures that a kind of map may name, with how their errors are shown.

_ONE_DEGREE = 1 / 60  # an error of 60 degrees and more is full red


def _value_error(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return ((found - wanted).abs().mean(-1) * 2).clamp(0, 1)


def _colour_error(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return ((found - wanted).abs().amax(-1) > 0.5 / 255).to(found)


def _angle_error(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (angles_between(found, wanted) * _ONE_DEGREE).clamp(0, 1).to(found)


@dataclass(frozen=True)
class Family:
    """name: as the report has it; measure: of two maps and a tolerance; error: of two maps, [H,W] in 0..1; thin: lines that
    match within a tolerance.
    """

    name: str
    measure: Callable[[torch.Tensor, torch.Tensor, int], Measured]
    error: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = _value_error
    thin: bool = False


POSE = Family("PCK", measures.similarity)  # of key points; maps are compared only to show them
FAMILIES: dict[Measure, Family] = {
    "edge_f1": Family("edge F1", measures.edge_f1, thin=True),
    "ssim": Family("SSIM", measures.ssim),
    "depth_order": Family("rank correlation", measures.depth_order),
    "mean_iou": Family("mean IoU", measures.mean_iou, _colour_error),
    "normal_angles": Family("normals within 30 degrees", measures.normal_angles, _angle_error),
    "pck": POSE,
    "similarity": Family("1 - RMSE", measures.similarity),
}


def family_of(kind: MapKind) -> Family:
    """The measure for this kind of map; kinds without one of their own are compared by value."""
    return FAMILIES[kind.measure]


# A picture with its control map laid over it: green where it fits, red where something is missing, blue where too much is.

_DIM = 0.35
_FITS, _MISSING, _TOO_MUCH = (0.1, 0.9, 0.2), (1.0, 0.15, 0.1), (0.25, 0.45, 1.0)


def fit_picture(
    picture: torch.Tensor, found: torch.Tensor, wanted: torch.Tensor, family: Family, tolerance: int
) -> torch.Tensor:
    """All [H,W,3] in 0..1. Lines are drawn in three colours; other maps redden with the size of the error."""
    if family.thin:
        return _lines(picture * _DIM, found.amax(-1) > 0.5, wanted.amax(-1) > 0.5, tolerance)
    error = family.error(found, wanted)[..., None]
    red = torch.tensor(_MISSING).to(picture)
    return picture * _DIM * (1 - error) + error * red + (1 - error) * (1 - _DIM) * wanted * 0.5


def _lines(canvas: torch.Tensor, ours: torch.Tensor, theirs: torch.Tensor, tolerance: int) -> torch.Tensor:
    too_much = ours & ~reached(theirs, tolerance)
    matched = theirs & reached(ours, tolerance)
    result = canvas.clone()
    for where, colour in ((too_much, _TOO_MUCH), (theirs & ~matched, _MISSING), (matched, _FITS)):
        result[where] = torch.tensor(colour).to(canvas)
    return result
