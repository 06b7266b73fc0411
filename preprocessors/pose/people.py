"""What all methods that find people share: their map, their last step, their options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..entry import Detected, Options
from ..images.kinds import MAP_KINDS
from ..options import resolved
from ..sizing import MAXIMUM_PIXELS
from .drawing import DRAWING_OPTIONS, drawn_poses, people_in
from .keypoints import Frame, read_frames, write_frames

MAKES = MAP_KINDS["openpose"]
WANTED_BY = ("openpose",)
OPTIONS = DRAWING_OPTIONS
MISTAKES = ("**Nobody is found.** The report says so. Try another method, or a larger `resolution`.",)

People = Sequence[dict[str, np.ndarray]]


def found_people(people: Sequence[People], pictures: torch.Tensor, notes: tuple[str, ...] = ()) -> Detected:
    """The people of each picture [B,h,w,3] as POSE_KEYPOINT; their maps are drawn by `finish_poses`."""
    height, width = pictures.shape[1:3]
    frames: list[Frame] = [{"canvas_width": width, "canvas_height": height, "people": list(one)} for one in people]
    return Detected(torch.zeros(len(pictures), 1, 1, 3), notes, tuple(write_frames(frames)))


def finish_poses(detected: Detected, size: tuple[int, int], options: Options) -> Detected:
    """The poses drawn at the (height, width) of the pictures."""
    maps = drawn_poses(list(detected.poses), size, options, "Poses")
    return Detected(maps, (*detected.notes, people_in(detected.poses)), detected.poses)


# The one function behind the node that draws poses.

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
