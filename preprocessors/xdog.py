"""Scribbles without a network: the difference of two blurs."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred
from .grey import as_grey_maps
from .images.kinds import MAP_KINDS

_FINE, _COARSE = 0.5, 5.0  # sigmas of the annotator


def detect_xdog(pictures: torch.Tensor, options: Options) -> Detected:
    """White strokes where the fine blur is darker than the coarse one by more than half the threshold, in all channels.

    Pictures [B,h,w,3] in 0..1; the formula of the ControlNet annotator `scribble_xdog`.
    """
    values = (pictures * 255).round().movedim(-1, 1)
    darker = (blurred(values, _COARSE) - blurred(values, _FINE)).amin(1).clamp(0, 255).ceil()
    return Detected(as_grey_maps((2 * darker > options["threshold"]).float()))


SCRIBBLE_XDOG = Preprocessor(
    method="scribble_xdog",
    node_id="ArmatureScribbleXDoG",
    title="Scribble XDoG",
    summary="White strokes on black from dark lines and edges. Fast, needs no model; much detail.",
    version=1,
    makes=MAP_KINDS["scribble"],
    wanted_by=("scribble", "lineart"),
    detect=detect_xdog,
    options=(
        Option(
            "threshold",
            32,
            "How much darker a stroke must be than its surroundings. Higher: fewer strokes. 16 to 64 suits most pictures.",
            minimum=1,
            maximum=255,
            step=1,
        ),
    ),
    search_aliases=("xdog", "scribble", "sketch", "Scribble_XDoG_Preprocessor", "difference of gaussians"),
    mistakes=("**Too much hatching.** Raise `threshold`, or let the method see a smaller `resolution`.",),
)
