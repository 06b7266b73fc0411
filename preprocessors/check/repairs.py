"""Repairs of control maps: each takes and gives a map [H,W,3] in 0..1."""

from __future__ import annotations

from collections.abc import Callable

import torch

Repair = Callable[[torch.Tensor], torch.Tensor]


def invert(picture: torch.Tensor) -> torch.Tensor:
    """Dark on white to white on black."""
    return 1 - picture


def swap_red_and_blue(picture: torch.Tensor) -> torch.Tensor:
    """BGR to RGB."""
    return picture.flip(-1)


def flip_red(picture: torch.Tensor) -> torch.Tensor:
    """Mirror the left-right axis of a normal map."""
    return _flipped(picture, 0)


def flip_green(picture: torch.Tensor) -> torch.Tensor:
    """Mirror the up-down axis of a normal map."""
    return _flipped(picture, 1)


def flip_red_and_green(picture: torch.Tensor) -> torch.Tensor:
    """Mirror both axes of a normal map."""
    return flip_green(flip_red(picture))


def threshold(picture: torch.Tensor) -> torch.Tensor:
    """To black and white, at one half of the brightest channel."""
    return (picture.amax(-1, keepdim=True) > 0.5).to(picture.dtype).expand_as(picture)


def _flipped(picture: torch.Tensor, channel: int) -> torch.Tensor:
    flipped = picture.clone()
    flipped[..., channel] = 1 - flipped[..., channel]
    return flipped
