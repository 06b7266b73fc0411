"""What all methods that find people share: their map, their last step, their options."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..entry import Detected, MapConvention, Options
from .drawing import DRAWING_OPTIONS, drawn_poses, people_in
from .keypoints import Frame, write_frames

MAKES = MapConvention(map_type="openpose", polarity="colour")
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
