"""POSE_KEYPOINT frames as we write them, and moving their points.

A frame is a dict: canvas_width, canvas_height (pixels), people: a list of dicts of flat lists x, y, score, … in pixels, 18
body points in OpenPose's order, 21 for each hand, 70 for the face, 6 for the feet. While we work on it, each list is an
array [N,3]. What other tools write comes in through `reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Frame = dict[str, Any]
Person = dict[str, np.ndarray]

BODY_POINTS = 18
BODY, FACE, LEFT_HAND, RIGHT_HAND, FEET = (
    "pose_keypoints_2d",
    "face_keypoints_2d",
    "hand_left_keypoints_2d",
    "hand_right_keypoints_2d",
    "foot_keypoints_2d",
)
# Points of each list. ComfyUI's drawing node wants all but the feet to be there.
PARTS: dict[str, int] = {BODY: BODY_POINTS, FACE: 70, LEFT_HAND: 21, RIGHT_HAND: 21, FEET: 6}


def nobody() -> Person:
    """A person of whom no point was found."""
    return {part: np.zeros((count, 3), np.float32) for part, count in PARTS.items()}


def own_frames(frames: Sequence[Frame]) -> list[Frame]:
    """Frames that `write_frames` wrote, as arrays again."""
    return [{**frame, "people": [_arrays(person) for person in frame["people"]]} for frame in frames]


def write_frames(frames: Sequence[Frame]) -> list[Frame]:
    """The frames as POSE_KEYPOINT again: flat lists."""
    return [
        {
            **frame,
            "people": [{part: points.ravel().tolist() for part, points in one.items()} for one in frame["people"]],
        }
        for frame in frames
    ]


def moved(frame: Frame, move: Callable[[np.ndarray], np.ndarray], size: tuple[int, int]) -> Frame:
    """The frame with `move` applied to the [N,2] positions of every visible point, on a canvas of (height, width)."""
    people = [{part: _moved(points, move) for part, points in one.items()} for one in frame["people"]]
    return {"canvas_width": size[1], "canvas_height": size[0], "people": people}


def stretched(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame with its canvas, and all on it, brought to (height, width)."""
    scale = np.array([size[1] / frame["canvas_width"], size[0] / frame["canvas_height"]], np.float32)
    return moved(frame, lambda points: points * scale, size)


def scaled_frames(frames: Sequence[Frame], size: tuple[int, int], new_size: tuple[int, int]) -> list[Frame]:
    """Our own frames found at (height, width) `size`, in the pixels of the same pictures at `new_size`."""
    seen = [{**frame, "canvas_width": size[1], "canvas_height": size[0]} for frame in own_frames(frames)]
    return write_frames([stretched(frame, new_size) for frame in seen])


def visible(points: np.ndarray) -> np.ndarray:
    """Which of the points [N,3] were found, [N] of bool."""
    return points[:, 2] > 0


def _arrays(person: dict[str, Any]) -> Person:
    return {part: np.asarray(values, np.float32).reshape(-1, 3) for part, values in person.items()}


def _moved(points: np.ndarray, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    found = visible(points)
    result = points.copy()
    result[found, :2] = move(points[found, :2])
    return result


# From the points of COCO to POSE_KEYPOINT.

# OpenPose's body points as COCO's numbers; the neck is made of the shoulders (5 and 6).
_COCO = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_SHOULDERS = (5, 6)
_WHOLE_FEET, _WHOLE_FACE, _WHOLE_LEFT_HAND, _WHOLE_RIGHT_HAND = slice(17, 23), slice(23, 91), slice(91, 112), slice(112, 133)  # fmt: skip  # noqa: E501
_EYES = (14, 15)  # of the body, which end the face's list
_SURE = 0.3  # both shoulders must be this certain to make a neck


def body_of_coco(points: np.ndarray) -> np.ndarray:
    """[17,3] of x, y and score in COCO's order, or more that begin so -> [18,3] in OpenPose's."""
    points = points.astype(np.float32)
    shoulders = points[list(_SHOULDERS)]
    score = shoulders[:, 2].min()
    neck = np.array([*shoulders[:, :2].mean(0), score if score > _SURE else 0], np.float32)
    return np.stack([neck if index is None else points[index] for index in _COCO])


# OpenPose's points as BlazePose's numbers; the neck is made of the shoulders (11 and 12).
_BLAZEPOSE = (0, None, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
_BLAZEPOSE_FEET = (31, None, 29, 32, None, 30)  # big toe, small toe (not known), heel, of the left and the right foot


def person_of_blazepose(points: np.ndarray) -> Person:
    """[33,3] of x, y in pixels and visibility (MediaPipe's pose landmarks) -> body and feet of a person of POSE_KEYPOINT."""
    points = points.astype(np.float32)
    shoulders = points[[11, 12]]
    neck = np.array([*shoulders[:, :2].mean(0), shoulders[:, 2].min()], np.float32)
    nothing = np.zeros(3, np.float32)
    return {
        BODY: np.stack([neck if index is None else points[index] for index in _BLAZEPOSE]),
        FEET: np.stack([nothing if index is None else points[index] for index in _BLAZEPOSE_FEET]),
    }


def person_of(points: np.ndarray) -> Person:
    """[133,3] of x, y in pixels and score (COCO-WholeBody) -> the parts of a person of POSE_KEYPOINT."""
    points, body = points.astype(np.float32), body_of_coco(points)
    return {
        BODY: body,
        FACE: np.concatenate([points[_WHOLE_FACE], body[list(_EYES)]]),
        LEFT_HAND: points[_WHOLE_LEFT_HAND],
        RIGHT_HAND: points[_WHOLE_RIGHT_HAND],
        FEET: points[_WHOLE_FEET],
    }
