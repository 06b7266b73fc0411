"""Resizing a control map as its kind allows: lines stay lines, colours exact, depth continuous, marks apart."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn.functional import interpolate

from .kinds import MapKind, MapValues
from .line_resize import kept_cells, lines_at
from .map_values import values_of_each

Values = MapValues | Literal["auto"]

_SAME_COLOUR = 4 / 255
# What a marked pixel of an inpaint hint holds, in all channels. 0.5 is no value of a picture of 8 bits.
MARKS = (-1.0, 0.5, 0.0)


def resized_map(maps: torch.Tensor, size: tuple[int, int], values: Values = "auto") -> torch.Tensor:
    """Maps [B,C,h,w] at `size` (height, width); the aspect may change. auto: measured on each map.

    thin_lines are drawn anew, one pixel wide; flat_colours take the nearest pixel, and strokes on black stay where they would
    fall between two; marked keeps the marks of an inpaint hint apart from the picture; continuous is averaged when it shrinks
    and interpolated bilinearly when it grows, which makes no value that was not between its neighbours.
    """
    if (maps.shape[-2], maps.shape[-1]) == tuple(size):
        return maps
    if values != "auto":
        return _resized(maps, size, values, _drawn_on_black(maps))
    each = values_of_each(maps)
    made = maps.new_empty(*maps.shape[:2], *size)
    for one in dict.fromkeys(each):
        rows = [index for index, other in enumerate(each) if other == one]
        made[rows] = resized_map(maps[rows], size, one or "continuous")
    return made


def resized_as(maps: torch.Tensor, size: tuple[int, int], kind: MapKind) -> torch.Tensor:
    """Maps [B,C,h,w] that are known to be of a kind, at `size` (height, width); see `resized_map`."""
    if (maps.shape[-2], maps.shape[-1]) == tuple(size):
        return maps
    if kind.values is None:
        return resized_map(maps, size)
    return _resized(maps, size, kind.values, kind.background if kind.strokes else None)


def _resized(
    maps: torch.Tensor, size: tuple[int, int], values: MapValues, ground: tuple[float, ...] | None
) -> torch.Tensor:
    if values == "thin_lines":
        lines = lines_at(maps.amax(1) > 0.5, size)
        return lines.unsqueeze(1).to(maps.dtype).expand(-1, maps.shape[1], -1, -1).contiguous()
    if values == "flat_colours":
        near = interpolate(maps, size, mode="nearest-exact")
        shrinks = size[0] < maps.shape[-2] or size[1] < maps.shape[-1]
        return near if ground is None or not shrinks else _with_strokes(maps, near, ground)
    if values == "marked":
        return _marked(maps, size)
    return _smooth(maps, size)


def _smooth(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    full = maps.float()  # half precision cannot be averaged on every device
    return interpolate(full, size, mode="bilinear", align_corners=False, antialias=True).to(maps.dtype)


def _drawn_on_black(maps: torch.Tensor) -> tuple[float, ...] | None:
    """Black where it is the largest part of flat maps, so that what stands out from it is drawn; else None."""
    black = float((maps.amax(1) < _SAME_COLOUR).float().mean())
    return (0.0,) * maps.shape[1] if black > 0.5 else None


def _with_strokes(maps: torch.Tensor, near: torch.Tensor, ground: tuple[float, ...]) -> torch.Tensor:
    """`near` with the middle lines of all strokes, in the colours that they have there, where it shows the ground."""
    colour = torch.tensor(ground, device=maps.device, dtype=maps.dtype).view(1, -1, 1, 1)

    def ink(pictures: torch.Tensor) -> torch.Tensor:
        return ((pictures - colour).abs() > _SAME_COLOUR).any(1)

    cells = kept_cells(ink(maps), (near.shape[-2], near.shape[-1]))
    lost = (cells >= 0) & ~ink(near)
    strokes = maps.flatten(2).gather(2, cells.clamp(min=0).flatten(1).unsqueeze(1).expand(-1, maps.shape[1], -1))
    return torch.where(lost.unsqueeze(1), strokes.view_as(near), near)


# Inpaint hints: a picture, and a part of it that is marked by a value.


def mark_of(maps: torch.Tensor) -> float | None:
    """The value of the marked pixels of inpaint hints [B,C,H,W]; None where nothing is marked."""
    counts = {mark: int((maps == mark).all(1).sum()) for mark in MARKS}
    if counts[-1.0]:
        return -1.0
    most = max(counts, key=lambda mark: counts[mark])
    return most if counts[most] else None


def _marked(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The picture averaged without the marks, and a mark wherever at least half of the pixels were marked."""
    mark = mark_of(maps)
    if mark is None:
        return _smooth(maps, size)
    kept = (~(maps == mark).all(1, keepdim=True)).to(maps.dtype)
    share = _smooth(kept, size)
    picture = _smooth(maps * kept, size) / share.clamp(min=1e-6)
    return torch.where(share > 0.5, picture, torch.full_like(picture, mark))
