"""From a measure to a score that means something: 0 no better than chance, 1 as good as the source picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

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


# Which measure belongs to which kind of map.

Measure = Callable[[torch.Tensor, torch.Tensor, int], Measured]


@dataclass(frozen=True)
class Family:
    """name: as the report has it; map_types: of the preprocessors' conventions; thin: lines that match within a tolerance."""

    name: str
    measure: Measure
    map_types: tuple[str, ...]
    thin: bool = False


_FAMILIES: tuple[Family, ...] = (
    Family("edge F1", measures.edge_f1, ("canny", "mlsd", "scribble", "mask"), thin=True),
    Family("SSIM", measures.ssim, ("softedge", "lineart")),
    Family("rank correlation", measures.depth_order, ("depth", "gray")),
    Family("mean IoU", measures.mean_iou, ("segmentation",)),
    Family("normals within 30 degrees", measures.normal_angles, ("normal",)),
)
_OTHERS = Family("1 - RMSE", measures.similarity, ())
POSE = Family(
    "PCK", measures.similarity, ("openpose", "pose_bgr")
)  # of key points; maps are compared only to show them


def family_of(map_type: str) -> Family:
    """The measure for this kind of map; kinds without one of their own are compared by value."""
    for family in (*_FAMILIES, POSE):
        if map_type in family.map_types:
            return family
    return _OTHERS


# A picture with its control map laid over it: green where it fits, red where something is missing, blue where too much is.

_DIM = 0.35
_FITS, _MISSING, _TOO_MUCH = (0.1, 0.9, 0.2), (1.0, 0.15, 0.1), (0.25, 0.45, 1.0)
_ONE_DEGREE = 1 / 60  # an error of 60 degrees and more is full red


def fit_picture(
    picture: torch.Tensor, found: torch.Tensor, wanted: torch.Tensor, family: Family, tolerance: int
) -> torch.Tensor:
    """All [H,W,3] in 0..1. Lines are drawn in three colours; other maps redden with the size of the error."""
    if family.thin:
        return _lines(picture * _DIM, found.amax(-1) > 0.5, wanted.amax(-1) > 0.5, tolerance)
    error = _error(found, wanted, family)[..., None]
    red = torch.tensor(_MISSING).to(picture)
    return picture * _DIM * (1 - error) + error * red + (1 - error) * (1 - _DIM) * wanted * 0.5


def _lines(canvas: torch.Tensor, ours: torch.Tensor, theirs: torch.Tensor, tolerance: int) -> torch.Tensor:
    too_much = ours & ~reached(theirs, tolerance)
    matched = theirs & reached(ours, tolerance)
    result = canvas.clone()
    for where, colour in ((too_much, _TOO_MUCH), (theirs & ~matched, _MISSING), (matched, _FITS)):
        result[where] = torch.tensor(colour).to(canvas)
    return result


def _error(found: torch.Tensor, wanted: torch.Tensor, family: Family) -> torch.Tensor:
    """[H,W] in 0..1."""
    if "normal" in family.map_types:
        return (angles_between(found, wanted) * _ONE_DEGREE).clamp(0, 1).to(found)
    if "segmentation" in family.map_types:
        return ((found - wanted).abs().amax(-1) > 0.5 / 255).to(found)
    return ((found - wanted).abs().mean(-1) * 2).clamp(0, 1)
