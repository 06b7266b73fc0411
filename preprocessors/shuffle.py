"""The picture's colours and textures with their places mixed up."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate

from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS


def detect_shuffle(pictures: torch.Tensor, options: Options) -> Detected:
    """Each pixel of [B,h,w,3] is taken from a place that smooth noise names; the same places for a whole batch.

    Formula of the ControlNet annotator `shuffle`; the noise comes from `seed` alone.
    """
    places = _places(pictures.shape[1], pictures.shape[2], options["cell"], options["seed"])
    if pictures.device.type == "cpu":
        try:
            import cv2
        except ImportError:
            pass
        else:
            return Detected(_by_opencv(cv2, pictures, places))
    # 0..1 is the first to the last pixel's middle, which grid_sample calls -1..1 with its corners aligned.
    places = places.unsqueeze(0).to(pictures) * 2 - 1
    mixed = grid_sample(
        pictures.movedim(-1, 1).contiguous(),
        places.expand(len(pictures), -1, -1, -1),
        padding_mode="border",
        align_corners=True,
    )
    return Detected(mixed.movedim(1, -1).contiguous())


def _by_opencv(cv2: Any, pictures: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The same by OpenCV, which is faster and exact to a thirty-second of a pixel."""
    flow = (places * torch.tensor([pictures.shape[2] - 1.0, pictures.shape[1] - 1.0])).numpy()
    mixed = torch.empty_like(pictures, memory_format=torch.contiguous_format)
    for one, result in zip(pictures, mixed, strict=True):
        edge = cv2.BORDER_REPLICATE
        cv2.remap(one.contiguous().numpy(), flow, None, cv2.INTER_LINEAR, dst=result.numpy(), borderMode=edge)
    return mixed


@lru_cache(maxsize=1)  # the pictures of a batch come one by one
def _places(height: int, width: int, cell: int, seed: int) -> torch.Tensor:
    """[height,width,2] of x, y in 0..1."""
    noise = np.random.default_rng(seed)
    return torch.stack([_noise_disk(noise, height, width, cell) for _ in range(2)], -1)


def _noise_disk(noise: np.random.Generator, height: int, width: int, cell: int) -> torch.Tensor:
    """[height,width] of smooth noise that fills 0..1."""
    points = torch.from_numpy(noise.uniform(size=(1, 1, height // cell + 2, width // cell + 2)).astype(np.float32))
    smooth = _cubic(points.shape[2], height, cell) @ points[0, 0] @ _cubic(points.shape[3], width, cell).T
    low, high = smooth.amin(), smooth.amax()
    return (smooth - low) / (high - low).clamp(min=1e-6)


def _cubic(points: int, length: int, cell: int) -> torch.Tensor:
    """[length,points]: what each point adds to each pixel when a row of points is stretched bicubically over the pixels and
    a cell beyond them at both ends. Few points and many pixels: two products are cheaper than stretching the whole."""
    stretched = interpolate(
        torch.eye(points)[None, None], (length + 2 * cell, points), mode="bicubic", align_corners=False
    )
    return stretched[0, 0, cell : cell + length]


SHUFFLE = Preprocessor(
    method="shuffle",
    node_id="ArmatureShuffle",
    title="Shuffle",
    summary="The picture warped beyond recognition: a shuffle control net takes its style and colours, not its content.",
    version=2,
    makes=MAP_KINDS["shuffle"],
    wanted_by=("shuffle",),
    detect=detect_shuffle,
    options=(
        Option("seed", 0, "Another seed, another mix. The same seed repeats it.", minimum=0, maximum=2**31 - 1, step=1),
        Option(
            "cell", 256, "Size of the swirls in pixels. 256 is what the net knows.", minimum=8, maximum=2048, step=1
        ),
    ),
    search_aliases=("content shuffle", "ShufflePreprocessor", "style transfer", "warp"),
)
