"""Scribbles without a network: the difference of two blurs."""

from __future__ import annotations

import numpy as np
import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred, despeckled
from .grey import as_grey_maps, luma
from .images.kinds import MAP_KINDS

_FINE, _COARSE = 0.5, 5.0  # sigmas of the annotator
_CALM = 1.2  # sigma of the fine blur that noise and JPEG do not get through
_WEAK = 0.7  # of the threshold; a stroke goes on down to it
_SPECK = 0.08  # pixels of the smallest stroke, for each pixel of the short side


def detect_xdog(pictures: torch.Tensor, options: Options) -> Detected:
    """White strokes where the fine blur is darker than the coarse one by more than half the threshold.

    Pictures [B,h,w,3] in 0..1. clean: darker in brightness and in the channel that shows it best, followed down to weaker
    places as Canny's lines are, without specks; annotator: in all channels, the formula of ControlNet's `scribble_xdog`.
    """
    values = (pictures * 255).round().movedim(-1, 1)
    coarse = blurred(values, _COARSE)
    if options["formula"] == "annotator":
        darker = (coarse - blurred(values, _FINE)).amin(1).clamp(0, 255).ceil()
        return Detected(as_grey_maps((2 * darker > options["threshold"]).float()))
    darker = coarse - blurred(values, _CALM)
    response = ((darker.amax(1) + luma(darker.movedim(1, -1))) / 2).cpu().numpy()
    half, least = options["threshold"] / 2, round(_SPECK * min(values.shape[2:]))
    strokes = np.stack([despeckled(one > _WEAK * half, least, one > half) for one in response])
    return Detected(as_grey_maps(torch.from_numpy(strokes).to(pictures)))


SCRIBBLE_XDOG = Preprocessor(
    method="scribble_xdog",
    node_id="ArmatureScribbleXDoG",
    title="Scribble XDoG",
    summary="White strokes on black from dark lines and edges. Fast, needs no model; much detail.",
    version=2,
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
        Option(
            "formula",
            "clean",
            "clean: edges of colour too, strokes that go on, and no specks; annotator: ControlNet's own formula to the pixel.",
            choices=("clean", "annotator"),
        ),
    ),
    search_aliases=("xdog", "scribble", "sketch", "Scribble_XDoG_Preprocessor", "difference of gaussians"),
    mistakes=("**Too much hatching.** Raise `threshold`, or let the method see a smaller `resolution`.",),
)
