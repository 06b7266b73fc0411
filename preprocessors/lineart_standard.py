"""Line art without a network: what is darker than its surroundings."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred
from .grey import as_grey_maps
from .images.kinds import MAP_KINDS

_FAINTEST = 16.0  # of 255: a picture without lines must not have its noise raised


def detect_lineart_standard(pictures: torch.Tensor, options: Options) -> Detected:
    """Difference to the blurred picture, least of the channels, with the median of the lines at half brightness.

    Pictures [B,h,w,3] in 0..1; the formula of the ControlNet annotator `lineart_standard`.
    """
    values = (pictures * 255).round().movedim(-1, 1)
    darker = (blurred(values, options["sigma"]) - values).amin(1).clamp(0, 255)
    scale = torch.stack([_typical(one, options["intensity_threshold"]) for one in darker]).view(-1, 1, 1)
    return Detected(as_grey_maps((darker / scale * 127).clamp(0, 255).floor() / 255))


def _typical(darker: torch.Tensor, threshold: float) -> torch.Tensor:
    lines = darker[darker > threshold]
    if not len(lines):
        return torch.tensor(_FAINTEST)
    ordered = lines.sort().values  # numpy's median: the mean of the two in the middle
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return middle.clamp(min=_FAINTEST)


LINEART_STANDARD = Preprocessor(
    method="lineart_standard",
    node_id="ArmatureLineartStandard",
    title="Lineart Standard",
    summary="White lines on black from what is darker than its surroundings. Fast, needs no model; best on drawings.",
    version=2,
    makes=MAP_KINDS["lineart"],
    wanted_by=("lineart", "scribble", "softedge"),
    detect=detect_lineart_standard,
    options=(
        Option(
            "sigma",
            6.0,
            "How far around a pixel its surroundings reach, in pixels. Larger: broader strokes. 2 to 12 is usual.",
            minimum=0.1,
            maximum=100,
            step=0.1,
        ),
        Option(
            "intensity_threshold",
            8,
            "Lines fainter than this are not counted when the brightness of the map is set, of 255.",
            minimum=0,
            maximum=16,
            step=1,
        ),
    ),
    search_aliases=("line art", "sketch lines", "lineart preprocessor", "LineartStandardPreprocessor"),
    mistakes=("**Photographs with much texture** give grey noise. Use lineart_realistic, or a smaller `resolution`.",),
)
