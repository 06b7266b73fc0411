"""From the 133 points of COCO-WholeBody to POSE_KEYPOINT."""

from __future__ import annotations

import numpy as np

from .keypoints import BODY, PARTS

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
