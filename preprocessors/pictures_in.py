"""What comes in as picture of a preprocessor: as numbers in 0..1, without transparency, and what a person should know of it."""

from __future__ import annotations

from typing import Any

import torch

from .entry import Preprocessor
from .images.already_map import told_map
from .images.map_check.transparency import opaque
from .images.tags import tag_of
from .images.tensors import as_floats, check_image, from_bytes

_ROUNDING = 1e-3  # beyond 0..1 without anyone having to know: resizing and decoding overshoot a little
# Methods of these chapters find structure in a picture, so that a map in its place is a mistake.
_FIND = ("lines", "depth", "normals", "people", "segments and masks")
_OF_PICTURES = ("portrait", "rocket", "clip")


def readable(entry: Preprocessor, image: Any, where: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Pictures [B,H,W,3] of 32 bits in 0..1 of a tensor [B,H,W,C] of any type, and notes. where: the input, for errors."""
    floats = as_floats(image, where)
    low, high = floats.aminmax()  # the one look at all values; NaN comes through
    if not (torch.isfinite(low) and torch.isfinite(high)):
        check_image(floats, where)  # which says which of them is broken
    floats, told_range = _in_range(floats, float(low), float(high))
    pictures, told_transparency = opaque(floats, tag_of(image))
    return pictures, (*told_range, *told_transparency, *_told_look(entry, image, pictures))


def _in_range(pictures: torch.Tensor, low: float, high: float) -> tuple[torch.Tensor, tuple[str, ...]]:
    pictures, told = from_bytes(pictures, low, high)
    if told:
        return pictures, told
    pictures = pictures.float()  # half precision is not resized everywhere, and rounds what is added up
    if low >= 0 and high <= 1:
        return pictures, ()
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return pictures.clamp(0, 1), ()
    return pictures.clamp(0, 1), (f"The picture's values went from {low:.3g} to {high:.3g}; they were cut to 0 to 1.",)


def _told_look(entry: Preprocessor, image: Any, pictures: torch.Tensor) -> tuple[str, ...]:
    if entry.sample == "depth_map":
        return told_map(pictures, tag_of(image), wanted="depth")
    if entry.sample in _OF_PICTURES and entry.makes.chapter in _FIND:
        return told_map(pictures, tag_of(image))
    return ()
