"""Crops that the autoencoder learns from: around edges, as most of a scene is floor."""

from __future__ import annotations

import torch

from ..networks.autoencoder import FACTOR
from .part import Workplace

CELLS = 8  # of the latent, per side


def around_edges(place: Workplace, dice: torch.Generator, edges: torch.Tensor) -> list[tuple[int, int]]:
    """Top and left, in cells of the latent, of a crop around one of each scene's edges [B,1,S,S]."""
    last = edges.shape[-1] // FACTOR - CELLS
    shifts = place.choose(dice, CELLS, 2 * len(edges)).view(-1, 2).tolist()
    corners = []
    for scene, pick, shift in zip(edges, place.dice(dice, len(edges)).tolist(), shifts, strict=True):
        found = scene[0].nonzero()
        cell = (found[int(pick * len(found))] // FACTOR).tolist() if len(found) else [last, last]
        top, left = (min(max(at - by, 0), last) for at, by in zip(cell, shift, strict=True))
        corners.append((top, left))
    return corners


def cropped(whole: torch.Tensor, corners: list[tuple[int, int]], factor: int = 1) -> torch.Tensor:
    """The crops [B,C,8,8] of latents [B,C,h,w], or with factor 8 those [B,C,64,64] of pictures."""
    size = CELLS * factor
    parts = [
        one[:, factor * top : factor * top + size, factor * left : factor * left + size]
        for one, (top, left) in zip(whole, corners, strict=True)
    ]
    return torch.stack(parts).contiguous(memory_format=torch.channels_last)
