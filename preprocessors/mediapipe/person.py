"""People against their background, by MediaPipe's selfie segmentation."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn.functional import interpolate

from ..entry import Detected, Option, Options, Preprocessor
from ..grey import as_grey_maps
from ..images.kinds import MAP_KINDS
from .tflite import load_tflite, mediapipe_file

_SIZE = 256

WEIGHTS = mediapipe_file(
    "selfie_segmentation",
    "selfie_segmentation/selfie_segmentation.tflite",
    249_505,
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
)


def detect_person(pictures: torch.Tensor, options: Options) -> Detected:
    """How surely each pixel of [B,h,w,3] shows a person, white on black; the network sees the picture as a square."""
    run = load_tflite("person_mask", WEIGHTS)
    size = (pictures.shape[1], pictures.shape[2])
    resize = partial(interpolate, mode="bilinear", align_corners=False)
    seen = resize(pictures.cpu().movedim(-1, 1), (_SIZE, _SIZE), antialias=True).movedim(1, -1)
    found = torch.cat([torch.from_numpy(run(one)[0]) for one in seen.split(1)])
    mask = resize(found.movedim(-1, 1), size)[:, 0].clamp(0, 1)
    if options["threshold"] > 0:
        mask = (mask >= options["threshold"]).float()
    return Detected(as_grey_maps(mask), (f"{float(mask.mean()):.0%} of the picture is person.",))


PERSON_MASK = Preprocessor(
    method="person_mask",
    node_id="ArmaturePersonMask",
    title="Person Mask",
    summary="People white on black, by MediaPipe's selfie segmentation: fast, for portraits.",
    version=2,
    makes=MAP_KINDS["mask"],
    wanted_by=("mask",),
    detect=detect_person,
    options=(
        Option(
            "threshold",
            0.5,
            "From which probability a pixel is white. 0: the probabilities themselves, with soft edges.",
            minimum=0.0,
            maximum=1.0,
            step=0.01,
        ),
    ),
    files=(WEIGHTS,),
    search_aliases=("selfie segmentation", "mediapipe", "person segmentation", "background removal"),
    packages=("ai-edge-litert",),
    mistakes=("**Rough edges.** The network sees 256 pixels; ComfyUI's Remove Background gives finer ones.",),
)
