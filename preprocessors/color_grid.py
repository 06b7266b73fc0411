"""Where which colour is, in squares."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate

from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS
from .sizing import in_squares


def detect_color_grid(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures [B,h,w,3] shrunk by the cell (bicubic without smoothing, as the adapter's data) and enlarged by pixel."""
    height, width = pictures.shape[1:3]
    cells = max(1, height // options["cell"]), max(1, width // options["cell"])
    small = interpolate(pictures.movedim(-1, 1), cells, mode="bicubic", align_corners=False).clamp(0, 1)
    return Detected(in_squares(small.movedim(1, -1), (height, width)))


COLOR_GRID = Preprocessor(
    method="color_grid",
    node_id="ArmatureColorGrid",
    title="Color Grid",
    summary="The picture's colours in a coarse grid, for colour adapters (T2I-Adapter color).",
    version=1,
    makes=MAP_KINDS["color_grid"],
    wanted_by=("color_grid",),
    detect=detect_color_grid,
    options=(
        Option(
            "cell", 64, "Side of a square in pixels. 64 is what the adapter knows.", minimum=2, maximum=1024, step=1
        ),
    ),
    search_aliases=("color palette", "t2ia color", "ColorPreprocessor", "colour blocks", "pixelate"),
)
