"""Resizing a control map as its kind allows: thin lines stay one pixel wide, colours exact, depth continuous."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch.nn.functional import interpolate, max_pool2d

from .kinds import MapValues

# Lines one pixel wide from lines of any width.

_MAXIMUM_ROUNDS = 512  # takes lines 1024 pixels wide down to one


def thinned(lines: torch.Tensor) -> torch.Tensor:
    """Thin [B,H,W] booleans to lines one pixel wide that hang together as before.

    Guo and Hall 1989, "Parallel thinning with two-subiteration algorithms": pixels on alternating borders are taken away
    together until none can go. The edge of the picture counts as empty.
    """
    lines = lines.clone()
    for _ in range(_MAXIMUM_ROUNDS):
        removed = False
        for second in (False, True):
            border = _removable(lines, second)
            removed = removed or bool(border.any())
            lines &= ~border
        if not removed:
            break
    return lines


def _removable(lines: torch.Tensor, second: bool) -> torch.Tensor:
    """Pixels that one half-round takes away; p2 to p9 are the neighbours clockwise from the top."""
    around = torch.nn.functional.pad(lines, (1, 1, 1, 1))
    height, width = lines.shape[-2:]

    def neighbour(down: int, right: int) -> torch.Tensor:
        return around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    p2, p3, p4, p5 = neighbour(-1, 0), neighbour(-1, 1), neighbour(0, 1), neighbour(1, 1)
    p6, p7, p8, p9 = neighbour(1, 0), neighbour(1, -1), neighbour(0, -1), neighbour(-1, -1)
    parts = (~p2 & (p3 | p4)).int() + (~p4 & (p5 | p6)).int() + (~p6 & (p7 | p8)).int() + (~p8 & (p9 | p2)).int()
    pairs = (p9 | p2).int() + (p3 | p4).int() + (p5 | p6).int() + (p7 | p8).int()
    shifted = (p2 | p3).int() + (p4 | p5).int() + (p6 | p7).int() + (p8 | p9).int()
    thickness = torch.minimum(pairs, shifted)
    side = ((p6 | p7 | ~p9) & p8) if not second else ((p2 | p3 | ~p5) & p4)
    return lines & (parts == 1) & (thickness >= 2) & (thickness <= 3) & ~side


MAP_VALUES: tuple[MapValues, ...] = get_args(MapValues)

# Shares of pixels measured on the real and generated maps of the tests; the three lie far apart.
_BLACK_OR_WHITE = 0.995
_THICK = 0.05
_COLOURS = 256
_SAME_AS_NEIGHBOUR = 0.6


def values_of(maps: torch.Tensor) -> MapValues:
    """What kind of values a map [B,C,H,W] in 0..1 holds, measured on its first picture.

    thin_lines: black and white with next to no spot that is three pixels wide; flat_colours: few colours in even areas;
    continuous: everything else.
    """
    first = maps[:1].float()
    extreme = ((first < 1 / 255) | (first > 254 / 255)).all(1).float().mean()
    if extreme > _BLACK_OR_WHITE and _is_thin(first):
        return "thin_lines"
    return "flat_colours" if _is_flat(first) else "continuous"


def resized_map(
    maps: torch.Tensor, size: tuple[int, int], values: MapValues | Literal["auto"] = "auto"
) -> torch.Tensor:
    """Maps [B,C,h,w] at `size` (height, width); the aspect may change.

    Lines are gathered or spread and thinned to one pixel again; flat colours take the nearest pixel; everything else is averaged
    when it shrinks and interpolated bilinearly when it grows, which makes no value that was not between its neighbours.
    """
    if (maps.shape[-2], maps.shape[-1]) == tuple(size):
        return maps
    values = values_of(maps) if values == "auto" else values
    if values == "thin_lines":
        return _lines(maps, size)
    if values == "flat_colours":
        return interpolate(maps, size, mode="nearest-exact")
    return interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)


def _lines(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """White lines on black: a pixel of the result is set where any line runs through its place, then thinned."""
    lines = maps.amax(1, keepdim=True)
    shrinks = size[0] < maps.shape[-2] or size[1] < maps.shape[-1]
    reached = (
        torch.nn.functional.adaptive_max_pool2d(lines, size)
        if shrinks
        else interpolate(lines, size, mode="nearest-exact")
    )
    thin = thinned(reached[:, 0] > 0.5)
    return thin.unsqueeze(1).to(maps.dtype).expand(-1, maps.shape[1], -1, -1).contiguous()


def _is_thin(picture: torch.Tensor) -> bool:
    """Whether white is the smaller part and hardly any white pixel has white all around it."""
    white = (picture.amax(1, keepdim=True) > 0.5).float()
    share = float(white.mean())
    if not 0.0 < share < 0.5:
        return False
    eroded = 1 - max_pool2d(1 - white, 3, stride=1, padding=1)
    return float(eroded.mean()) < _THICK * share


def _is_flat(picture: torch.Tensor) -> bool:
    """Whether there are few colours, and those that stand out from the ground lie in even areas."""
    values = (picture[0] * 255).round().to(torch.int32)
    places = torch.tensor([65536, 256, 1][-values.shape[0] :], device=values.device).view(-1, 1, 1)
    codes = (values * places).sum(0)
    colours, counts = torch.unique(codes, return_counts=True)
    if len(colours) == 1 or codes.shape[1] == 1:
        return True
    if len(colours) > _COLOURS:
        return False
    raised = codes[:, :-1] != colours[counts.argmax()]
    same = codes[:, 1:] == codes[:, :-1]
    return float(same[raised].float().mean()) > _SAME_AS_NEIGHBOUR if bool(raised.any()) else True
