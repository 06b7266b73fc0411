"""What each method of the gallery gets to see: one photograph for all, or what a method is meant for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...commands.terminal import Problem
from ...preprocessors.entry import Preprocessor, Sample


def _need_photographs() -> Any:
    try:
        from skimage import data
    except ImportError:
        raise Problem(
            "the gallery needs scikit-image; run `armature.py test` once, which installs the test tools"
        ) from None
    return data


PORTRAIT = "astronaut"


def sample_for(entry: Preprocessor) -> tuple[Any, Any, dict[str, Any]]:
    """(image [B,H,W,3], mask or None, options) that show a method well."""
    mask = _mask() if entry.mask == "needed" else None
    return SAMPLES[entry.sample].image(), mask, dict(entry.sample_options)


@cache
def photograph(name: str) -> Any:
    """A photograph of scikit-image as IMAGE [1,H,W,3]."""
    import torch

    return torch.from_numpy(getattr(_need_photographs(), name)()).float().div(255).unsqueeze(0)


@cache
def measured_depth() -> Any:
    """The motorcycle's measured disparity as a grey depth map [1,H,W,3], near is white, unknown black."""
    import numpy as np
    import torch

    disparity = _need_photographs().stereo_motorcycle()[2]
    known = np.isfinite(disparity)
    grey = np.where(known, disparity, 0) / disparity[known].max()
    return torch.from_numpy(grey.astype(np.float32))[None, ..., None].repeat(1, 1, 1, 3)


@cache
def floor_plan() -> Any:
    """A flat of three rooms drawn in black on white, [1,384,512,3]."""
    import torch

    plan = torch.ones(384, 512)
    for top, bottom, left, right in (
        (20, 28, 20, 492),
        (356, 364, 20, 492),
        (20, 364, 20, 28),
        (20, 364, 484, 492),
        (20, 150, 250, 258),
        (190, 364, 250, 258),
        (200, 208, 250, 400),
        (200, 208, 440, 492),
    ):
        plan[top:bottom, left:right] = 0
    plan[60:62, 60:160] = plan[120:122, 60:160] = 0  # furniture, too thin for a wall
    return plan[None, ..., None].repeat(1, 1, 1, 3)


@cache
def code() -> Any:
    """A QR code on paper, [1,330,330,3], that a telephone reads."""
    import cv2
    import torch

    modules = torch.from_numpy(cv2.QRCodeEncoder.create().encode("ARMATURE")).float() / 255
    modules = modules[2:-2, 2:-2]  # without the border of the encoder
    each = 210 // len(modules)
    place, side = (330 - each * len(modules)) // 2, each * len(modules)
    paper = torch.full((330, 330), 0.92)
    paper[place : place + side, place : place + side] = (
        modules.repeat_interleave(each, 0).repeat_interleave(each, 1) * 0.82 + 0.1
    )
    return paper[None, ..., None].repeat(1, 1, 1, 3)


def _mask() -> Any:
    import torch

    mask = torch.zeros(1, 512, 512)
    mask[:, 60:220, 150:300] = 1
    return mask


def _moving() -> Any:
    """The portrait, and the same turned by two degrees: motion in every direction."""
    import math

    import torch
    from torch.nn.functional import affine_grid, grid_sample

    still = photograph(PORTRAIT).movedim(-1, 1)
    sine, cosine = math.sin(math.radians(2)), math.cos(math.radians(2))
    turned = affine_grid(torch.tensor([[[cosine, -sine, 0.0], [sine, cosine, 0.0]]]), list(still.shape), False)
    return torch.cat([still, grid_sample(still, turned, padding_mode="border", align_corners=False)]).movedim(1, -1)


@dataclass(frozen=True)
class SamplePicture:
    """words: what one sees, for those who cannot; image: makes the IMAGE."""

    words: str
    image: Callable[[], Any]


SAMPLES: dict[Sample, SamplePicture] = {
    "portrait": SamplePicture("a portrait of an astronaut in her suit", lambda: photograph(PORTRAIT)),
    "rocket": SamplePicture("a photograph of a rocket on its launch pad", lambda: photograph("rocket")),
    "depth_map": SamplePicture("a grey depth map of a motorcycle", measured_depth),
    "mask": SamplePicture("a white rectangle on black", lambda: photograph(PORTRAIT)),  # shown is the mask
    "qr_code": SamplePicture("a square code photographed on paper", code),
    "clip": SamplePicture("a frame of a clip that turns", _moving),
    "floor_plan": SamplePicture("a floor plan of three rooms", floor_plan),
}
