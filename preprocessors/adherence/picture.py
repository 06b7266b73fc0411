"""A picture with its control map laid over it: green where it fits, red where something is missing, blue where too much is."""

from __future__ import annotations

import torch

from .families import Family
from .measures import angles_between, reached

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
