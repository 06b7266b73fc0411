"""Which pixels of a floor plan are wall."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..entry import Option, Options
from ..filters import widened
from ..grey import luma_bytes, otsu_threshold

_MOST_WALL = 0.5  # of a plan; what covers more is its paper

WALL_OPTIONS = (
    Option(
        "wall_is",
        "auto",
        "How walls are drawn. dark: black on white paper; bright: white on black; auto: whichever covers less of the plan.",
        choices=("dark", "bright", "auto"),
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


@dataclass(frozen=True)
class Walls:
    """masks: walls [B,h,w] of bool; notes: what to know about them, as sentences."""

    masks: torch.Tensor
    notes: tuple[str, ...]


def walls_of(pictures: torch.Tensor, options: Options) -> Walls:
    """The walls of plans [B,h,w,3] in 0..1."""
    grey = luma_bytes(pictures)
    levels = [options["threshold"] or otsu_threshold(one / 255) for one in grey]
    dark = grey <= torch.tensor(levels).view(-1, 1, 1).to(grey)
    on_dark = dark.float().mean((1, 2)) > _MOST_WALL  # the paper is dark
    bright = on_dark if options["wall_is"] == "auto" else torch.full_like(on_dark, options["wall_is"] == "bright")
    lines = torch.where(bright.view(-1, 1, 1), ~dark, dark).float().unsqueeze(1)
    radius = (options["thinnest_wall"] - 1) // 2
    return Walls(widened(widened(lines, -radius), radius)[:, 0] > 0.5, _notes(on_dark, bright, options["wall_is"]))


def _notes(on_dark: torch.Tensor, bright: torch.Tensor, wall_is: str) -> tuple[str, ...]:
    if bool((on_dark != bright).any()):
        return (
            f"More than half of the plan counts as wall with wall_is {wall_is}. Is it drawn the other way round? Set wall_is to "
            "auto.",
        )
    return ("The plan is drawn light on dark.",) if wall_is == "auto" and bool(on_dark.any()) else ()
