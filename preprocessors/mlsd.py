"""Straight lines by M-LSD (Gu et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import max_pool2d

from .backends import controlnet_aux, need_opencv
from .entry import Detected, Option, Options, Preprocessor
from .grey import as_grey_maps
from .inference import as_bytes, network_output
from .model_files import annotator
from .network import fill
from .straight_lines import MAKES

_MOST_LINES = 200  # the network's own limit
_STRIDE, _BYTES = 64, 900

WEIGHTS = annotator(
    "mlsd",
    "mlsd_large_512_fp32.pth",
    "Apache-2.0",
    6.3,
    6_341_481,
    "5696f168eb2c30d4374bbfd45436f7415bb4d88da29bea97eea0101520fba082",
    also_in="jp.keijiro.mlsd on npm",
)


def detect_mlsd(pictures: torch.Tensor, options: Options) -> Detected:
    """Line segments of pictures [B,h,w,3], drawn one pixel wide."""
    found = network_output(
        "mlsd", WEIGHTS, build_mlsd, pictures, bytes_per_pixel=_BYTES, stride=_STRIDE, feed=_with_ones
    )
    segments = [
        decoded_segments(one, options["score_threshold"], options["distance_threshold"]) for one in found.float()
    ]
    maps = np.stack([drawn_segments(lines, tuple(pictures.shape[1:3])) for lines in segments])
    return Detected(as_grey_maps(torch.from_numpy(maps).float() / 255))


def decoded_segments(output: torch.Tensor, score: float, distance: float) -> np.ndarray:
    """The network's output [5+,H/2,W/2] (centre, then the offsets of both ends as x, y) as segments [N,4] in pixels.

    A centre counts where it is the highest of its 3x3 neighbours and above `score`; its line where it is longer than
    `distance` cells.
    """
    heat = torch.sigmoid(output[0])
    peaks = torch.where(max_pool2d(heat[None], 3, 1, 1)[0] == heat, heat, 0.0)
    scores, places = peaks.flatten().topk(min(_MOST_LINES, peaks.numel()))
    width = heat.shape[1]
    rows, columns = places // width, places % width
    offsets = output[1:5, rows, columns].T
    lengths = (offsets[:, :2] - offsets[:, 2:]).norm(dim=1)
    ends = offsets + torch.stack([columns, rows, columns, rows], 1)
    return (2 * ends[(scores > score) & (lengths > distance)]).cpu().numpy()


def drawn_segments(segments: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Segments [N,4] of x, y, x, y in pixels as white lines on black, as the annotator draws them: uint8 of (height, width)."""
    cv2 = need_opencv("M-LSD Straight Lines")
    canvas = np.zeros(size[:2], np.uint8)
    for x0, y0, x1, y1 in segments.astype(int).tolist():
        cv2.line(canvas, (x0, y0), (x1, y1), 255, 1)
    return canvas


def build_mlsd(weights: dict[str, Any]) -> nn.Module:
    """M-LSD large of controlnet_aux."""
    module = controlnet_aux("M-LSD Straight Lines", "mlsd.models.mbv2_mlsd_large")
    return fill(module.MobileV2_MLSD_Large(), weights)


def _with_ones(pictures: torch.Tensor) -> torch.Tensor:
    """Bytes with a fourth channel of ones, all taken to -1..1: what the network was trained on."""
    return torch.cat([as_bytes(pictures), torch.ones_like(pictures[:, :1])], 1) / 127.5 - 1


MLSD = Preprocessor(
    method="mlsd",
    node_id="ArmatureMLSD",
    title="M-LSD Straight Lines",
    summary="White straight lines on black: rooms, buildings, streets. Curves and people are left to the model.",
    version=2,
    makes=MAKES,
    wanted_by=("mlsd",),
    detect=detect_mlsd,
    options=(
        Option(
            "score_threshold",
            0.1,
            "How sure the network must be of a line. Higher: fewer lines.",
            minimum=0.01,
            maximum=1.0,
            step=0.01,
        ),
        Option(
            "distance_threshold",
            0.1,
            "Shorter lines are left out, in cells of two pixels. 0.1 keeps all.",
            minimum=0.0,
            maximum=100.0,
            step=0.1,
        ),
    ),
    files=(WEIGHTS,),
    search_aliases=("mlsd", "straight lines", "architecture", "M-LSDPreprocessor", "line segments"),
    bytes_per_pixel=_BYTES,
    packages=("controlnet-aux", "timm"),
    mistakes=("**Few lines in a large picture.** The network was trained at 512: use `short_side` with 512.",),
    sample="rocket",
)
