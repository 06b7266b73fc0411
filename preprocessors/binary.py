"""Black and white by brightness."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .grey import as_grey_maps, luma, otsu_threshold
from .images.kinds import MAP_KINDS


def detect_binary(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures [B,h,w,3] in 0..1 to pure black and white; threshold 0 takes the best for each picture (Otsu)."""
    grey = (luma(pictures) * 255).round() / 255
    levels = [options["threshold"] or otsu_threshold(one) for one in grey]
    bright = grey > torch.tensor(levels).view(-1, 1, 1).to(grey) / 255 + 1e-4
    white = ~bright if options["white_is"] == "dark" else bright
    notes = [f"Otsu's threshold: {', '.join(map(str, levels))}."] if options["threshold"] == 0 else []
    return Detected(as_grey_maps(white.float()), tuple(notes))


BINARY = Preprocessor(
    method="binary",
    node_id="ArmatureBinary",
    title="Binary",
    summary="Pure black and white by brightness: a drawing on paper becomes white lines on black.",
    version=1,
    makes=MAP_KINDS["scribble"],
    wanted_by=("scribble", "lineart", "qr"),
    detect=detect_binary,
    options=(
        Option(
            "threshold",
            100,
            "What is brighter than this counts as bright, of 255. 0: found for each picture by Otsu's method.",
            minimum=0,
            maximum=255,
            step=1,
        ),
        Option(
            "white_is",
            "dark",
            "What becomes white. dark: for ink on paper, as line nets want it; bright: for light shapes on dark.",
            choices=("dark", "bright"),
        ),
    ),
    search_aliases=("threshold", "black and white", "otsu", "BinaryPreprocessor", "invert lines"),
    mistakes=(
        "**A photograph** comes out as large blots. Binary is for drawings; use a scribble method for photographs.",
    ),
)
