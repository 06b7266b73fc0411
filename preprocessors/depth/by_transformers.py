"""Depth Anything V2, MiDaS (DPT) and ZoeDepth, as the host's own requirement `transformers` has them."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn.functional import interpolate

from ..entry import Detected, Finish, Option, Options, Preprocessor
from ..grey import as_grey_maps
from ..inference import by_imagenet
from ..model_files import ModelFile
from ..sizing import as_channels, padded
from ..transformers_model import load_transformers, transformers_files
from .scaling import MAKES, MISTAKES, OVER, WANTED_BY, near_is_white

_BYTES = 2500
_SQUARE_ONLY = ("depth_midas",)  # of which transformers' class can find the patches of a square alone


def detect_depth(
    method: str, files: tuple[ModelFile, ...], patch: int, pictures: torch.Tensor, options: Options
) -> Detected:
    """The network's own depth of pictures [B,h,w,3], seen with `network_size` as short side, in whole patches."""
    height, width = pictures.shape[1:3]
    scale = options["network_size"] / min(height, width)
    size = [max(1, round(side * scale / patch)) * patch for side in (height, width)]
    taken = [max(size)] * 2 if method in _SQUARE_ONLY else size
    network, device = load_transformers(
        method, "AutoModelForDepthEstimation", files, _BYTES * taken[0] * taken[1] * len(pictures)
    )
    seen = interpolate(as_channels(pictures, device), size, mode="bilinear", align_corners=False, antialias=True)
    if method in _SQUARE_ONLY:
        seen = padded(seen, patch, least=max(size))
        network.dpt.embeddings.image_size = tuple(taken)  # it takes squares of other sizes, but has to be told
    depth = network(pixel_values=_normed(method, seen)).predicted_depth.unsqueeze(1).float()
    if taken != size:
        depth = interpolate(depth, taken, mode="bilinear")[..., : size[0], : size[1]]
    return Detected(as_grey_maps(interpolate(depth, (height, width), mode="bilinear")[:, 0]))


def _normed(method: str, seen: torch.Tensor) -> torch.Tensor:
    return by_imagenet(seen) if method == "depth_anything_v2" else seen * 2 - 1


def finish_nearness(detected: Detected, _size: tuple[int, int], options: Options) -> Detected:
    """Networks whose depth grows towards the viewer."""
    return near_is_white(detected, options)


def finish_zoe(detected: Detected, _size: tuple[int, int], options: Options) -> Detected:
    """Metres, cut as the annotator does: what is farther than 85 percent of the picture is black."""
    return near_is_white(detected, options, low=0.02, high=0.85, far_is_large=True)


def _network_size(default: int) -> Option:
    return Option(
        "network_size",
        default,
        f"Short side in pixels at which the network looks. It was trained at {default}; more gives more detail, then errors.",
        minimum=128,
        maximum=2048,
        step=2,
    )


def _depth(
    method: str,
    node: str,
    title: str,
    words: str,
    files: tuple[ModelFile, ...],
    patch: int,
    size: int,
    finish: Finish,
    aliases: tuple[str, ...],
) -> Preprocessor:
    return Preprocessor(
        method=method,
        node_id=f"ArmatureDepth{node}",
        title=title,
        summary=f"Depth by {words} near is white.",
        version=3 if method in _SQUARE_ONLY else 2,
        makes=MAKES,
        wanted_by=WANTED_BY,
        detect=partial(detect_depth, method, files, patch),
        options=(OVER, _network_size(size)),
        files=files,
        search_aliases=(*aliases, "depth map", "depth estimation"),
        bytes_per_pixel=_BYTES,
        finish=finish,
        mistakes=MISTAKES,
    )


DEPTH_ANYTHING_V2 = _depth(
    "depth_anything_v2",
    "AnythingV2",
    "Depth Anything V2",
    "Depth Anything V2 (Small): light, sharp and free to use;",
    transformers_files("depth_anything_v2", "depth-anything/Depth-Anything-V2-Small-hf", "Apache-2.0", 99),
    14,
    518,
    finish_nearness,
    ("depth anything", "DepthAnythingV2Preprocessor"),
)
DEPTH_MIDAS = _depth(
    "depth_midas",
    "MiDaS",
    "MiDaS Depth",
    "MiDaS (DPT hybrid), for graphs that were made with it;",
    transformers_files("midas", "Intel/dpt-hybrid-midas", "Apache-2.0", 490, "pytorch_model.bin"),
    32,
    384,
    finish_nearness,
    ("midas", "dpt", "MiDaS-DepthMapPreprocessor"),
)
DEPTH_ZOE = _depth(
    "depth_zoe",
    "Zoe",
    "Zoe Depth",
    "ZoeDepth, for graphs that were made with it; slow;",
    transformers_files("zoe", "Intel/zoedepth-nyu-kitti", "MIT", 1380),
    32,
    384,
    finish_zoe,
    ("zoe", "zoedepth", "Zoe-DepthMapPreprocessor"),
)
