"""Swapping red and blue, for networks that were trained on maps in the other order."""

from __future__ import annotations

import torch

from .entry import Detected, Options, Preprocessor
from .images.kinds import MAP_KINDS


def detect_swapped(pictures: torch.Tensor, _options: Options) -> Detected:
    """Pictures [B,h,w,3] with the first and last channel exchanged."""
    return Detected(pictures.flip(-1))


SWAP_RED_BLUE = Preprocessor(
    method="swap_red_blue",
    node_id="ArmatureSwapRedBlue",
    title="Swap Red and Blue",
    summary="Exchanges the red and blue channels. ControlNeXt's SVD weights want pose maps in that order.",
    version=1,
    makes=MAP_KINDS["pose_bgr"],
    wanted_by=("pose_bgr",),
    detect=detect_swapped,
    search_aliases=("rgb bgr", "swap channels", "bgr to rgb", "controlnext svd pose"),
    help_by_hand=True,
)
