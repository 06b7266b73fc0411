"""Straight lines without a network, by OpenCV's line segment detector (von Gioi 2010) and a fit to the edge."""

from __future__ import annotations

import numpy as np
import torch

from .backends import need_opencv
from .entry import Detected, Option, Options, Preprocessor
from .grey import as_grey_maps, luma_bytes
from .images.kinds import MAP_KINDS
from .line_segments import straight_segments

MAKES = MAP_KINDS["mlsd"]


def detect_straight_lines(pictures: torch.Tensor, options: Options) -> Detected:
    """Straight lines of pictures [B,h,w,3], at least `minimum_length` of the short side long."""
    need_opencv("Straight Lines")
    maps = []
    for grey in luma_bytes(pictures).cpu().numpy().astype(np.uint8):
        lines = straight_segments(grey, options["minimum_length"])
        maps.append(drawn_segments(np.rint(lines), grey.shape))
    return Detected(as_grey_maps(torch.from_numpy(np.stack(maps)).float() / 255))


def drawn_segments(segments: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Segments [N,4] of x, y, x, y in pixels as white lines one pixel wide on black: uint8 of (height, width)."""
    cv2 = need_opencv("Straight Lines")
    canvas = np.zeros(size[:2], np.uint8)
    for x0, y0, x1, y1 in segments.astype(int).tolist():
        cv2.line(canvas, (x0, y0), (x1, y1), 255, 1)
    return canvas


STRAIGHT_LINES = Preprocessor(
    method="straight_lines",
    node_id="ArmatureStraightLines",
    title="Straight Lines",
    summary="White straight lines on black by OpenCV, without a model: for buildings and rooms. mlsd is cleaner.",
    version=2,
    makes=MAKES,
    wanted_by=("mlsd",),
    detect=detect_straight_lines,
    options=(
        Option(
            "minimum_length",
            0.06,
            "Shorter lines are left out, as a share of the picture's short side. Higher: only walls and edges of roofs.",
            minimum=0.0,
            maximum=1.0,
            step=0.005,
        ),
    ),
    search_aliases=("lsd", "line segment detector", "architecture lines", "mlsd without model"),
    mistakes=("**Grass and texture full of short lines.** Raise `minimum_length`, or use mlsd.",),
    sample="rocket",
)
