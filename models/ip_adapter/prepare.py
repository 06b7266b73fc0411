"""Bringing a reference picture to the square that image encoders see, so that what is cut is seen and chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch.nn.functional import interpolate, pad

from ...preprocessors.images.checks import check_choice
from ...preprocessors.images.tensors import check_image, to_rgb

Mode = Literal["crop", "pad", "stretch", "tiles"]
Position = Literal["center", "top", "bottom", "left", "right"]
Fill = Literal["edge", "black", "white", "grey"]
MODES: tuple[Mode, ...] = get_args(Mode)
POSITIONS: tuple[Position, ...] = get_args(Position)
FILLS: tuple[Fill, ...] = get_args(Fill)
SIZE = 224  # of most CLIP encoders; Kolors' sees 336

_MOST_TILES = 4  # along a side
_VALUES = {"black": 0.0, "white": 1.0, "grey": 0.5}


@dataclass(frozen=True, eq=False)
class Prepared:
    """Squares [N,S,S,3], for each where it lies in the reference picture as a mask [N,H,W], and what was done."""

    image: torch.Tensor
    mask: torch.Tensor
    report: str


def prepare(image: Any, mode: str, position: str = "center", fill: str = "edge", size: int = SIZE) -> Prepared:
    """Squares of an IMAGE [B,H,W,C] for an image encoder. Raises ValueError for an unknown choice or a broken picture."""
    for name, value, choices in (("mode", mode, MODES), ("position", position, POSITIONS), ("fill", fill, FILLS)):
        check_choice(f"Prepare Reference Image, input {name}", value, choices)
    pictures = to_rgb(check_image(image, "Prepare Reference Image, input image"))
    height, width = pictures.shape[1:3]
    if mode == "tiles":
        return _tiles(pictures, size)
    if mode == "crop":
        side = min(height, width)
        top, left = _offset(height - side, width - side, position)
        squares = pictures[:, top : top + side, left : left + side]
        mask = torch.zeros(1, height, width)
        mask[:, top : top + side, left : left + side] = 1
        change = f"cropped to {side}x{side} at {left},{top}: {1 - side * side / (height * width):.0%} of the picture is cut off"
    else:
        squares = _padded(pictures, position, fill) if mode == "pad" else pictures
        mask = torch.ones(1, height, width)
        change = f"padded to {max(height, width)} on each side ({fill})" if mode == "pad" else "stretched to a square"
    if height == width:
        change = "it is a square already"
    report = f"{width}x{height}: {change}. Now {size}x{size}."
    return Prepared(_resized(squares, size), mask.expand(pictures.shape[0], -1, -1).clone(), report)


def _offset(rows: int, columns: int, position: str) -> tuple[int, int]:
    """(top, left) of a square with so many rows and columns to spare."""
    top = {"top": 0, "bottom": rows}.get(position, rows // 2)
    return top, {"left": 0, "right": columns}.get(position, columns // 2)


def _padded(pictures: torch.Tensor, position: str, fill: str) -> torch.Tensor:
    height, width = pictures.shape[1:3]
    side = max(height, width)
    top, left = _offset(side - height, side - width, position)
    around = (left, side - width - left, top, side - height - top)
    planes = pictures.movedim(-1, 1)
    if fill == "edge":
        return pad(planes, around, mode="replicate").movedim(1, -1)
    return pad(planes, around, value=_VALUES[fill]).movedim(1, -1)


def _tiles(pictures: torch.Tensor, size: int) -> Prepared:
    """Overlapping squares that cover the picture; the masks share what overlaps, and add up to one everywhere."""
    height, width = pictures.shape[1:3]
    side = min(height, width)
    if math.ceil(max(height, width) / side) == 1:
        side = math.ceil(side / 2)
    rows, columns = (min(_MOST_TILES, math.ceil(length / side)) for length in (height, width))
    squares, masks = [], []
    for top in _starts(height, side, rows):
        for left in _starts(width, side, columns):
            squares.append(_resized(pictures[:, top : top + side, left : left + side], size))
            mask = torch.zeros(1, height, width)
            mask[:, top : top + side, left : left + side] = 1
            masks.append(mask.expand(pictures.shape[0], -1, -1))
    covered = torch.stack(masks).sum(0)
    shared = torch.cat([mask / covered.clamp_min(1) for mask in masks])
    missed = float((covered[0] == 0).float().mean())
    report = f"{width}x{height}: {columns}x{rows} tiles of {side}x{side}, each {size}x{size} now."
    if missed:
        report += f" {missed:.0%} of the picture lies between them: it is too long for {_MOST_TILES} tiles."
    return Prepared(torch.cat(squares), shared, f"{report} Apply them with combine set to regions, or to concat.")


def _starts(length: int, side: int, count: int) -> list[int]:
    if count == 1:
        return [(length - side) // 2]
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def _resized(squares: torch.Tensor, size: int) -> torch.Tensor:
    """As the host brings pictures to an encoder's size."""
    if squares.shape[1:3] == (size, size):
        return squares
    planes = interpolate(squares.movedim(-1, 1), (size, size), mode="bicubic", antialias=True)
    return planes.clamp(0, 1).movedim(1, -1)
