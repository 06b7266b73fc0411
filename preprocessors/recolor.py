"""Grey pictures for nets that colour them in."""

from __future__ import annotations

import torch

from .entry import Detect, Detected, Option, Options, Preprocessor
from .grey import as_grey_maps, lightness
from .images.kinds import MAP_KINDS

_GAMMA = Option(
    "gamma",
    1.0,
    "The grey values to this power. Above 1: darker, below 1: brighter.",
    minimum=0.1,
    maximum=2.0,
    step=0.01,
)


def detect_luminance(pictures: torch.Tensor, options: Options) -> Detected:
    """CIE L* of pictures [B,h,w,3] in 0..1: grey as bright as the colours look."""
    return Detected(as_grey_maps(_powered(lightness(pictures), options["gamma"])))


def _powered(values: torch.Tensor, gamma: float) -> torch.Tensor:
    return values if gamma == 1 else values**gamma


def detect_intensity(pictures: torch.Tensor, options: Options) -> Detected:
    """The greatest of red, green and blue: the V of HSV."""
    return Detected(as_grey_maps(_powered(pictures.amax(-1), options["gamma"])))


def _recolor(method: str, name: str, title: str, what: str, detect: Detect) -> Preprocessor:
    return Preprocessor(
        method=method,
        node_id=name,
        title=title,
        summary=f"The picture in grey by {what}, for recolour control nets: they colour it in and keep the brightness.",
        version=3 if method == "recolor_luminance" else 2,
        makes=MAP_KINDS["gray"],
        wanted_by=("recolor",),
        detect=detect,
        options=(_GAMMA,),
        search_aliases=("recolor", "recolour", "colorize", "grayscale", "ImageLuminanceDetector"),
    )


RECOLOR_LUMINANCE = _recolor(
    "recolor_luminance", "ArmatureRecolorLuminance", "Recolor Luminance", "lightness (Lab)", detect_luminance
)
RECOLOR_INTENSITY = _recolor(
    "recolor_intensity", "ArmatureRecolorIntensity", "Recolor Intensity", "intensity (HSV)", detect_intensity
)
