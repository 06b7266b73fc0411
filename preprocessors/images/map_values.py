"""What kind of values maps hold that nobody has tagged, measured on each of them."""

from __future__ import annotations

from typing import get_args

import torch
from torch.nn.functional import max_pool2d

from .frame_numbers import in_ranges
from .kinds import MapValues

MAP_VALUES: tuple[MapValues, ...] = get_args(MapValues)

# Shares of pixels measured on the real and generated maps of the tests; the three lie far apart.
_BLACK_OR_WHITE = 0.995
_THICK = 0.05
_COLOURS = 256
_LEAST_AREA = 12  # pixels of the typical colour, where there are more: of objects, not of smoothed outlines
_SAME_AS_NEIGHBOUR = 0.6
_STEP = 3  # of 255: a ramp in 8 bits has even stretches too, and goes up one level at a time


def values_of_each(maps: torch.Tensor) -> tuple[MapValues | None, ...]:
    """What each map of [B,C,H,W] in 0..1 (marks of inpaint hints below) holds; None for one of one single colour.

    thin_lines: black and white with next to no spot that is three pixels wide; flat_colours: few colours in even areas;
    marked: a part at -1; continuous: everything else.
    """
    return tuple(_values_of(one) for one in maps.float().unsqueeze(1))


def told_mixture(values: tuple[MapValues | None, ...]) -> str:
    """A sentence where a batch holds maps of several kinds, "" otherwise."""
    found: dict[str, list[int]] = {}
    for index, one in enumerate(values):
        if one is not None:
            found.setdefault(one.replace("_", " "), []).append(index)
    if len(found) < 2:
        return ""
    parts = "; ".join(f"{name} in {in_ranges(numbers, 'frame')}" for name, numbers in found.items())
    return f"The batch mixes kinds of maps ({parts}); each was resized as what it is"


def _values_of(one: torch.Tensor) -> MapValues | None:
    low, high = one.aminmax()
    if float(high - low) < 1 / 255:
        return None
    if float(low) < -1 / 255:
        return "marked"
    extreme = ((one < 1 / 255) | (one > 254 / 255)).all(1).float().mean()
    if extreme > _BLACK_OR_WHITE and _is_thin(one):
        return "thin_lines"
    return "flat_colours" if _is_flat(one) else "continuous"


def _is_thin(picture: torch.Tensor) -> bool:
    """Whether white is the smaller part and hardly any white pixel has white all around it."""
    white = (picture.amax(1, keepdim=True) > 0.5).float()
    share = float(white.mean())
    if not 0.0 < share < 0.5:
        return False
    eroded = 1 - max_pool2d(1 - white, 3, stride=1, padding=1)
    return float(eroded.mean()) < _THICK * share


def _is_flat(picture: torch.Tensor) -> bool:
    """Whether there are few colours, or many that each fill an area; those that stand out from the ground lie in even areas,
    and where one ends, the next is clearly another.
    """
    values = (picture * 255).round().to(torch.int32)
    codes = _codes(values)[0]
    colours, counts = torch.unique(codes, return_counts=True)
    if len(colours) == 1 or codes.shape[1] == 1:
        return True
    if len(colours) > _COLOURS and int(counts.median()) < _LEAST_AREA:
        return False
    steps = (values[..., 1:] - values[..., :-1]).abs().amax(1)[0]
    raised = codes[:, :-1] != colours[counts.argmax()]
    if not bool(raised.any()):
        return True
    clear = float((steps > _STEP).float().sum()) > 0.5 * float((steps > 0).float().sum())
    return clear and float((steps[raised] == 0).float().mean()) > _SAME_AS_NEIGHBOUR


def _codes(values: torch.Tensor) -> torch.Tensor:
    """[B,C,H,W] of 0..255 to one number for each colour, [B,H,W]."""
    places = torch.tensor([65536, 256, 1][-values.shape[1] :], device=values.device, dtype=torch.int32).view(-1, 1, 1)
    return (values * places).sum(1)
