"""What all methods that find people share: their map, their last step, their options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..entry import Detected, Options
from ..images.kinds import MAP_KINDS
from ..images.tags import tag
from ..options import resolved
from ..sizing import MAXIMUM_PIXELS
from .drawing import DRAWING_OPTIONS, drawn_poses
from .keypoints import Frame, own_frames, write_frames
from .reading import read_poses
from .shapes import opencv
from .told import people_in, stretching

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
    drawn = drawn_poses(own_frames(detected.poses), size, options)
    notes = (*detected.notes, people_in(drawn.missing), *_by_whom())
    return Detected(drawn.maps, notes, detected.poses)


def _by_whom() -> tuple[str, ...]:
    if opencv() is not None:
        return ()
    return (
        "OpenCV is not installed, so pixels at the rims differ from the maps that pose nets were trained on. Install "
        "opencv-python-headless into ComfyUI's Python for the usual result.",
    )


# The one function behind the node that draws poses.

_TITLE = "Draw Poses"


def map_of_poses(poses: Any, width: int, height: int, options: Options) -> tuple[torch.Tensor, str]:
    """(maps [B,height,width,3], report); 0 takes the side of the first pose's canvas, or follows its aspect."""
    settings = resolved(_TITLE, DRAWING_OPTIONS, options)
    read = read_poses(poses, f"{_TITLE}, input poses")
    first = read.frames[0]
    size = _size(first["canvas_height"], first["canvas_width"], height, width)
    drawn = drawn_poses(read.frames, size, settings)
    count = f"{len(read.frames)} map{'s' if len(read.frames) > 1 else ''} of {size[1]}x{size[0]}."
    told = [count, people_in(drawn.missing), *stretching(read.frames, size), *read.notes, *_by_whom()]
    return tag(drawn.maps, MAKES.name), " ".join(told)


def _size(own_height: int, own_width: int, height: int, width: int) -> tuple[int, int]:
    if not height and not width:
        height, width = own_height, own_width
    height = height or max(1, round(own_height * width / own_width))
    width = width or max(1, round(own_width * height / own_height))
    if height * width > MAXIMUM_PIXELS:
        raise ValueError(f"{_TITLE}: {width}x{height} is more than {MAXIMUM_PIXELS / 1e6:.0f} million pixels.")
    return height, width
