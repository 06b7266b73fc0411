"""Which pixels of a floor plan are wall."""

from __future__ import annotations

import torch

from ..entry import Option, Options
from ..filters import widened
from ..grey import luma, otsu_threshold

WALL_OPTIONS = (
    Option(
        "wall_is",
        "dark",
        "How walls are drawn. dark: black on white paper; bright: white on black.",
        choices=("dark", "bright"),
    ),
    Option(
        "threshold",
        0,
        "Brightness between wall and room, of 255. 0: found for each plan by Otsu's method.",
        minimum=0,
        maximum=255,
        step=1,
    ),
    Option(
        "thinnest_wall",
        3,
        "Thinner lines are not walls (furniture, text, measures), in pixels of the plan.",
        minimum=1,
        maximum=64,
        step=1,
    ),
)


def wall_masks(pictures: torch.Tensor, options: Options) -> torch.Tensor:
    """Plans [B,h,w,3] in 0..1 -> walls [B,h,w] of bool."""
    grey = luma(pictures)
    levels = [options["threshold"] or otsu_threshold(one) for one in grey]
    dark = (grey * 255).round() <= torch.tensor(levels).view(-1, 1, 1).to(grey)
    walls = (dark if options["wall_is"] == "dark" else ~dark).float().unsqueeze(1)
    radius = (options["thinnest_wall"] - 1) // 2
    return widened(widened(walls, -radius), radius)[:, 0] > 0.5
