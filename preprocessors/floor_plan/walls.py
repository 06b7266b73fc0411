"""Which pixels of a floor plan are wall."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate

from ..entry import Option, Options
from ..filters import widened
from ..grey import luma_bytes, otsu_threshold

_MOST_WALL = 0.5  # of a plan; what covers more is its paper
_THICK, _MOST_BLOTS = 0.1, 0.12  # of the short side, and the share of walls that may be as thick
_LOOK = 200  # pixels of the short side, enough to see how thick walls are

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
        advanced=True,
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
    masks = _opened(lines, (options["thinnest_wall"] - 1) // 2)[:, 0] > 0.5
    return Walls(masks, (*_notes(on_dark, bright, options["wall_is"]), *_blots(masks)))


def _opened(lines: torch.Tensor, radius: int) -> torch.Tensor:
    return widened(widened(lines, -radius), radius)


def _blots(masks: torch.Tensor) -> tuple[str, ...]:
    """A sentence where much of the walls [B,h,w] is thicker than walls are: photographs, pages, plans with filled ground."""
    small = interpolate(masks.unsqueeze(1).float(), scale_factor=min(1.0, _LOOK / min(masks.shape[1:])), mode="area")
    thick = _opened((small > 0.5).float(), round(_THICK / 2 * min(small.shape[2:])))
    share = float((thick.sum((1, 2, 3)) / small.sum((1, 2, 3)).clamp(min=1)).max())
    if share <= _MOST_BLOTS:
        return ()
    return (
        f"{share:.0%} of what counts as wall is thicker than a tenth of the plan. If this is a photograph or a page, link a "
        "floor plan; if its walls are outlines or its ground is filled, set threshold, or draw walls as lines.",
    )


def _notes(on_dark: torch.Tensor, bright: torch.Tensor, wall_is: str) -> tuple[str, ...]:
    if bool((on_dark != bright).any()):
        return (
            f"More than half of the plan counts as wall with wall_is {wall_is}. Is it drawn the other way round? Set wall_is to "
            "auto.",
        )
    return ("The plan is drawn light on dark.",) if wall_is == "auto" and bool(on_dark.any()) else ()
