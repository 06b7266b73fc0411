"""A mask as a control map."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred, widened
from .grey import as_grey_maps
from .images.kinds import MAP_KINDS


def detect_mask_map(pictures: torch.Tensor, options: Options) -> Detected:
    """The mask in the last channel of [B,h,w,4], grown and feathered, as white on black."""
    mask = widened(pictures[..., 3].unsqueeze(1), options["grow"])
    mask = blurred(mask, options["feather"])[:, 0].clamp(0, 1)
    return Detected(as_grey_maps(1 - mask if options["invert"] else mask))


MASK_MAP = Preprocessor(
    method="mask",
    node_id="ArmatureMaskMap",
    title="Mask Map",
    summary="A mask as white on black, grown, shrunk or feathered, for control nets that follow silhouettes.",
    version=2,
    makes=MAP_KINDS["mask"],
    wanted_by=("mask", "segmentation"),
    detect=detect_mask_map,
    mask="needed",
    options=(
        Option("grow", 0, "Pixels to grow the white part by; negative shrinks it.", minimum=-256, maximum=256, step=1),
        Option("feather", 0.0, "Softness of its edge in pixels.", minimum=0, maximum=100, step=0.1),
        Option("invert", False, "Exchange white and black."),
    ),
    search_aliases=("mask to control", "silhouette", "grow mask", "feather mask"),
    sample="mask",
    sample_options={"feather": 6.0},
)
