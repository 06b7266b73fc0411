"""The one function behind the node that draws poses."""

from __future__ import annotations

from typing import Any

import torch

from ..entry import Options
from ..options import resolved
from ..sizing import MAXIMUM_PIXELS
from .drawing import DRAWING_OPTIONS, drawn_poses, people_in
from .keypoints import read_frames

_TITLE = "Draw Poses"


def map_of_poses(poses: Any, width: int, height: int, options: Options) -> tuple[torch.Tensor, str]:
    """(maps [B,height,width,3], report); 0 takes the side of the first pose's canvas, or follows its aspect."""
    settings = resolved(_TITLE, DRAWING_OPTIONS, options)
    where = f"{_TITLE}, input poses"
    frames = read_frames(poses, where)
    size = _size(frames[0]["canvas_height"], frames[0]["canvas_width"], height, width)
    maps = drawn_poses(poses, size, settings, where)
    return maps, f"{len(frames)} map{'s' if len(frames) > 1 else ''} of {size[1]}x{size[0]}. {people_in(frames)}"


def _size(own_height: int, own_width: int, height: int, width: int) -> tuple[int, int]:
    if not height and not width:
        height, width = own_height, own_width
    height = height or max(1, round(own_height * width / own_width))
    width = width or max(1, round(own_width * height / own_height))
    if height * width > MAXIMUM_PIXELS:
        raise ValueError(f"{_TITLE}: {width}x{height} is more than {MAXIMUM_PIXELS / 1e6:.0f} million pixels.")
    return height, width
