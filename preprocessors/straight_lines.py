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
        maps.append(rasterised(lines, grey.shape))
    return Detected(as_grey_maps(torch.from_numpy(np.stack(maps)).float() / 255))


def rasterised(segments: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Segments [N,4] of x, y, x, y in pixels as white lines on black: uint8 of (height, width).

    Of each column, or row where a line is steep, the pixel nearest to the line itself. OpenCV's `line` rounds the ends first,
    also with `shift`, so that all pixels of a line hang on where it ends, which noise moves most.
    """
    canvas = np.zeros(size[:2], np.uint8)
    for segment in segments:
        ends = segment.reshape(2, 2)
        axis = int(np.abs(ends[1] - ends[0]).argmax())
        first, last = ends[ends[:, axis].argsort(kind="stable")]
        along = np.arange(round(float(first[axis])), round(float(last[axis])) + 1)
        slope = (last - first)[1 - axis] / max(float((last - first)[axis]), 1e-6)
        aside = np.floor(first[1 - axis] + slope * (along - first[axis]) + 0.5).astype(int)
        x, y = (along, aside) if axis == 0 else (aside, along)
        inside = (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])
        canvas[y[inside], x[inside]] = 255
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
