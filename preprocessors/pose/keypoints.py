"""POSE_KEYPOINT frames: reading, checking and moving their points.

A frame is a dict: canvas_width, canvas_height (pixels), people: a list of dicts of flat lists x, y, score, … in pixels, 18
body points in OpenPose's order, 21 for each hand, 70 for the face, 6 for the feet. Lists may be missing or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Frame = dict[str, Any]

BODY_POINTS = 18
# Points of each list. ComfyUI's drawing node wants all but the feet to be there.
PARTS: dict[str, int] = {
    "pose_keypoints_2d": BODY_POINTS,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
    "foot_keypoints_2d": 6,
}
BODY = "pose_keypoints_2d"


def read_frames(value: Any, where: str) -> list[Frame]:
    """Complete frames, each part as [N,3] array (x, y, score); ValueError naming `where` for anything else."""
    frames = [value] if isinstance(value, dict) else value
    if not isinstance(frames, (list, tuple)) or not frames:
        raise ValueError(
            f"{where}: POSE_KEYPOINT frames are wanted. Link a pose node, such as SDPose Keypoint Extractor."
        )
    return [_frame(frame, f"{where}, frame {number}") for number, frame in enumerate(frames)]


def write_frames(frames: list[Frame]) -> list[Frame]:
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


def scaled_frames(frames: Sequence[Frame], size: tuple[int, int], new_size: tuple[int, int]) -> list[Frame]:
    """POSE_KEYPOINT frames found at (height, width) `size`, in the pixels of the same pictures at `new_size`."""
    scale = np.array([new_size[1] / size[1], new_size[0] / size[0]], np.float32)
    read = read_frames(list(frames), "Poses")
    return write_frames([moved(frame, lambda points: points * scale, new_size) for frame in read])


def visible(points: np.ndarray) -> np.ndarray:
    """Which of the points [N,3] were found, [N] of bool."""
    return points[:, 2] > 0


def _moved(points: np.ndarray, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    found = visible(points)
    result = points.copy()
    result[found, :2] = move(points[found, :2])
    return result


def _frame(frame: Any, where: str) -> Frame:
    try:
        height, width = int(frame["canvas_height"]), int(frame["canvas_width"])
        people = [
            {part: _part(one.get(part), count, where) for part, count in PARTS.items()} for one in frame["people"]
        ]
    except (KeyError, TypeError, AttributeError):
        raise ValueError(
            f"{where}: it has no canvas_width, canvas_height and people, so it is no POSE_KEYPOINT."
        ) from None
    if height < 1 or width < 1:
        raise ValueError(f"{where}: its canvas is {width}x{height} pixels.")
    return {"canvas_width": width, "canvas_height": height, "people": people}


def _part(flat: Any, count: int, where: str) -> np.ndarray:
    if flat is None or len(flat) == 0:
        return np.zeros((count, 3), np.float32)
    points = np.asarray(flat, np.float32)
    if points.size % 3 or points.size > 3 * count or not np.isfinite(points).all():
        raise ValueError(f"{where}: {points.size} numbers came in where at most {count} points of x, y, score belong.")
    points = points.reshape(-1, 3)
    return np.concatenate([points, np.zeros((count - len(points), 3), np.float32)])


# From the 133 points of COCO-WholeBody to POSE_KEYPOINT.

# OpenPose's body points as COCO's numbers; the neck is made of the shoulders (5 and 6).
_BODY = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_SHOULDERS = (5, 6)
_FEET, _FACE, _LEFT_HAND, _RIGHT_HAND = slice(17, 23), slice(23, 91), slice(91, 112), slice(112, 133)
_EYES = (14, 15)  # of the body, which end the face's list
_SURE = 0.3  # both shoulders must be this certain to make a neck


def person_of(points: np.ndarray) -> dict[str, np.ndarray]:
    """[133,3] of x, y in pixels and score -> the parts of a person of POSE_KEYPOINT."""
    points = points.astype(np.float32)
    shoulders = points[list(_SHOULDERS)]
    score = shoulders[:, 2].min()
    neck = np.array([*shoulders[:, :2].mean(0), score if score > _SURE else 0], np.float32)
    body = np.stack([neck if index is None else points[index] for index in _BODY])
    person = {part: np.zeros((count, 3), np.float32) for part, count in PARTS.items()}
    person[BODY] = body
    person["foot_keypoints_2d"] = points[_FEET]
    person["face_keypoints_2d"] = np.concatenate([points[_FACE], body[list(_EYES)]])
    person["hand_left_keypoints_2d"], person["hand_right_keypoints_2d"] = points[_LEFT_HAND], points[_RIGHT_HAND]
    return person
