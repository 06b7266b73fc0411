"""Canny edges, exactly as OpenCV finds them."""

from __future__ import annotations

import numpy as np
import torch

from .canny_torch import canny_edges
from .entry import Detected, Option, Options, Preprocessor
from .grey import as_grey_maps, luma_bytes
from .images.kinds import MAP_KINDS
from .images.tensors import to_uint8

_SIGMA = 0.33


def detect_canny(pictures: torch.Tensor, options: Options) -> Detected:
    """Edges of pictures [B,h,w,3] in 0..1 as white lines one pixel wide on black.

    `cv2.Canny` on the three colour channels, as the ControlNet annotator does: aperture 3, L1 gradient, thresholds in
    units of 0..255 values. With thresholds "median" it runs on the grey picture with 0.67 and 1.33 times its median, as
    the extractor of ControlNeXt's SDXL canny weights does. Pictures on a GPU stay there and get the same edges. Without
    OpenCV the host's own function finds them.
    """
    if options["thresholds"] == "median":
        return _by_median(pictures)
    low, high = options["low_threshold"], options["high_threshold"]
    if low > high:
        raise ValueError(
            f"Canny: low_threshold {low} lies above high_threshold {high}. "
            "Edges start at the high threshold and are followed down to the low one; swap the two."
        )
    return _edges(pictures, low, high)


def _by_median(pictures: torch.Tensor) -> Detected:
    grey = luma_bytes(pictures)
    median = _median(grey)
    low, high = int(max(0, (1 - _SIGMA) * median)), int(min(255, (1 + _SIGMA) * median))
    found = _edges(grey.unsqueeze(-1).float() / 255, low, high)
    notes = [f"Median {median:g}, so the thresholds are {low} and {high}."]
    if median == 0:
        notes.append("At least half of the picture is black: the thresholds are 0 and every change counts as an edge.")
    return Detected(found.maps, (*notes, *found.notes))


def _median(values: torch.Tensor) -> float:
    """NumPy's: the mean of the middle two of an even number."""
    ordered = values.flatten().sort().values
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _edges(pictures: torch.Tensor, low: int, high: int) -> Detected:
    if on_gpu(pictures):
        pixels = (pictures * 255).round().clamp(0, 255).movedim(-1, 1)
        return Detected(as_grey_maps(canny_edges(pixels, low, high).float()))
    try:
        import cv2
    except ImportError:
        return _with_host(pictures, low, high)
    edges = np.stack([cv2.Canny(np.ascontiguousarray(picture), low, high) for picture in to_uint8(pictures)])
    return Detected(as_grey_maps(torch.from_numpy(edges).to(torch.float32) / 255))


def on_gpu(pictures: torch.Tensor) -> bool:
    """Whether a copy to OpenCV would leave the device that the pictures lie on."""
    return pictures.device.type != "cpu"


def _with_host(pictures: torch.Tensor, low: int, high: int) -> Detected:
    """The function behind the host's Canny node; its thresholds are gradients of 0..1 values."""
    from kornia.filters import canny

    edges = torch.cat(
        [canny(one.unsqueeze(0).movedim(-1, 1), max(low, 1) / 255, max(high, 1) / 255)[1][:, 0] for one in pictures]
    )
    note = (
        "OpenCV is not installed, so the edges come from ComfyUI's own Canny: slower, and lines differ slightly. "
        "Install opencv-python-headless into ComfyUI's Python for the usual result."
    )
    return Detected(as_grey_maps(edges), (note,))


CANNY = Preprocessor(
    method="canny",
    node_id="ArmatureCanny",
    title="Canny Edges",
    summary="Thin white lines on black wherever brightness changes sharply. The first choice to keep outlines exactly.",
    version=2,
    makes=MAP_KINDS["canny"],
    wanted_by=("canny", "lineart", "scribble"),
    detect=detect_canny,
    options=(
        Option(
            "low_threshold",
            100,
            "A line is followed down to this gradient. Lower: longer, more connected lines. 50 to 150 suits most photos.",
            minimum=0,
            maximum=255,
            step=1,
        ),
        Option(
            "high_threshold",
            200,
            "A line starts above this gradient. Lower: more lines, texture and noise too. 100 to 250 suits most photos.",
            minimum=0,
            maximum=255,
            step=1,
        ),
        Option(
            "thresholds",
            "fixed",
            "fixed: the two thresholds above. median: taken from the brightness of each picture (0.67 and 1.33 times its "
            "median, on the grey picture), which ControlNeXt's SDXL canny weights were trained on.",
            choices=("fixed", "median"),
        ),
    ),
    search_aliases=("canny edge", "edge detection", "outline", "controlnet preprocessor", "CannyEdgePreprocessor"),
    help_by_hand=True,
)
