"""Black and white by brightness."""

from __future__ import annotations

import numpy as np
import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import BYTE_REACH, blurred, despeckled
from .grey import as_grey_maps, luma_bytes, otsu_threshold
from .images.kinds import MAP_KINDS

_THRESHOLD = 100
_WINDOW, _SHARE, _LEAST, _RANGE = (
    0.08,
    0.2,
    10.0,
    128.0,
)  # Sauvola's window in short sides, k, least contrast, R; of 255
_MOST_WHITE = 0.6  # of a map; drawings have less ink than paper
_TURN = "set white_is to {} if the drawing is the other way round."
_CALM, _SPECK = 1.0, 0.04  # sigma against noise; pixels of the smallest piece, for each pixel of the short side
_BETWEEN, _FEW = 0.2, 0.1  # grey is this far from both tones; a drawing in two tones has fewer such pixels than this


def detect_binary(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures [B,h,w,3] in 0..1 to pure black and white, by one threshold or by each pixel's surroundings."""
    maps, notes = [], {}
    for grey in luma_bytes(pictures).cpu():
        dark, note = _dark(grey, options)
        maps.append(dark if options["white_is"] == "dark" else ~dark)
        notes[note] = None
        if float(maps[-1].float().mean()) > _MOST_WHITE:
            other = "bright" if options["white_is"] == "dark" else "dark"
            notes[f"Most of the map is white, and nets want white strokes on black: {_TURN.format(other)}"] = None
    return Detected(as_grey_maps(torch.stack(maps).to(pictures)), tuple(filter(None, notes)))


def _dark(grey: torch.Tensor, options: Options) -> tuple[torch.Tensor, str]:
    """(what is dark in a grey picture [H,W] of 0..255, a sentence about how it was told)."""
    otsu = otsu_threshold(grey / 255)
    way = options["thresholding"]
    if way == "auto":
        way = "global" if options["threshold"] != _THRESHOLD or _in_two_tones(grey.numpy(), otsu) else "local"
    if way == "local":
        turned = grey if options["white_is"] == "dark" else 255 - grey
        ink = torch.from_numpy(_ink(turned.float()))
        told = (
            "Each pixel was compared with its surroundings (Sauvola); thresholding global takes one threshold for all."
        )
        return (ink if options["white_is"] == "dark" else ~ink), told
    return grey <= (options["threshold"] or otsu), "" if options["threshold"] else f"Otsu's threshold: {otsu}."


def _in_two_tones(grey: np.ndarray, otsu: int) -> bool:
    """Whether nearly all pixels are near the mean of the dark or of the bright ones: a drawing, a logo, a code."""
    dark = grey <= otsu
    if dark.all() or not dark.any():
        return True
    low, high = float(grey[dark].mean()), float(grey[~dark].mean())
    place = (grey - low) / (high - low)
    return float(((place > _BETWEEN) & (place < 1 - _BETWEEN)).mean()) <= _FEW


def _ink(grey: torch.Tensor) -> np.ndarray:
    """What is darker than its surroundings [H,W] of bool (Sauvola and Pietikäinen 2000), by at least a visible contrast."""
    from scipy.ndimage import uniform_filter

    calm = blurred(grey[None, None], _CALM, BYTE_REACH)[0, 0].numpy().astype(np.float64)
    size = 2 * round(_WINDOW * min(grey.shape) / 2) + 1
    mean = uniform_filter(calm, size, mode="mirror")
    spread = np.sqrt(np.maximum(uniform_filter(calm**2, size, mode="mirror") - mean**2, 0))
    level = np.minimum(mean * (1 + _SHARE * (spread / _RANGE - 1)), mean - _LEAST)
    return despeckled(calm <= level, round(_SPECK * min(grey.shape)))


BINARY = Preprocessor(
    method="binary",
    node_id="ArmatureBinary",
    title="Binary",
    summary="Pure black and white by brightness: a drawing on paper becomes white lines on black.",
    version=2,
    makes=MAP_KINDS["scribble"],
    wanted_by=("scribble", "lineart", "qr"),
    detect=detect_binary,
    options=(
        Option(
            "threshold",
            _THRESHOLD,
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
        Option(
            "thresholding",
            "auto",
            "local: each pixel against its surroundings (Sauvola), so that shadows do no harm and dark areas become outlines; "
            "global: threshold for the whole picture; auto: local while threshold is 100, unless the picture is in two tones.",
            choices=("auto", "local", "global"),
        ),
    ),
    search_aliases=("threshold", "black and white", "otsu", "BinaryPreprocessor", "invert lines"),
    mistakes=(
        "**A photograph** comes out as large blots once `threshold` is changed. Set `thresholding` to local, or use a scribble "
        "method.",
        "**The map is white with black lines.** The drawing is light on dark: set `white_is` to bright.",
        "**A black shape in a drawing** comes out as its outline. Set `thresholding` to global.",
    ),
)
