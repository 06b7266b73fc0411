"""Bodies by BlazePose."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..entry import Detected, Option, Options, Preprocessor
from ..pose.keypoints import nobody, person_of_blazepose
from ..pose.people import MAKES, MISTAKES, OPTIONS, WANTED_BY, finish_poses, found_people
from .crops import Found, Square, cut, detected
from .tflite import load_tflite, mediapipe_file

_DETECTOR, _STRIDES, _BODY_SIZE = 224, (8, 16, 32, 32, 32), 256
_LANDMARKS = 39  # 33 of the body, 6 helpers; each x, y, z, visibility, presence
_MARGIN = 1.25  # of the square around a body, against the circle that the detector gives

DETECTION_WEIGHTS = mediapipe_file(
    "pose_detection",
    "pose_detection/pose_detection.tflite",
    2_959_046,
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
)
LANDMARK_WEIGHTS = mediapipe_file(
    "pose_landmark",
    "pose_landmark/pose_landmark_full.tflite",
    6_440_512,
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)


def detect_blazepose(pictures: torch.Tensor, options: Options) -> Detected:
    """POSE_KEYPOINT frames of pictures [B,h,w,3], with empty maps for `finish_poses` to draw."""
    finder = load_tflite("blazepose", DETECTION_WEIGHTS)
    landmarks = load_tflite("blazepose", LANDMARK_WEIGHTS)
    people = []
    for picture in pictures.cpu():
        found = detected(finder, picture, _DETECTOR, _STRIDES, options["detection_threshold"])
        bodies = [_body(landmarks(cut(picture, square, _BODY_SIZE)), square) for square in map(_square, found)]
        people.append(
            [nobody() | person_of_blazepose(body) for body, presence in bodies if presence > 0.5][
                : options["most_people"]
            ]
        )
    return found_people(people, pictures)


def _square(found: Found) -> Square:
    """Around the circle that the detector names by its middle and a point above the head or on the rim."""
    centre, rim = found.points[0], found.points[1]
    across, down = rim - centre
    angle = math.pi / 2 - math.atan2(-down, across)
    return Square(float(centre[0]), float(centre[1]), 2 * math.hypot(across, down) * _MARGIN, angle)


def _body(outputs: list[np.ndarray], square: Square) -> tuple[np.ndarray, float]:
    """([33,3] of x, y in pixels of the picture and visibility, presence of a body)."""
    values = next(one for one in outputs if one.size == _LANDMARKS * 5).reshape(_LANDMARKS, 5)[:33]
    presence = float(next(one for one in outputs if one.size == 1).reshape(-1)[0])
    sure = 1 / (1 + np.exp(-values[:, 3]))
    return np.column_stack([square.to_picture(values[:, :2] / _BODY_SIZE), sure]), presence


BLAZEPOSE = Preprocessor(
    method="blazepose",
    node_id="ArmatureBlazePose",
    title="BlazePose",
    summary="Bodies by MediaPipe's BlazePose, drawn as OpenPose draws them: fast on any processor, free to use.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_blazepose,
    options=(
        *OPTIONS,
        Option("most_people", 8, "At most so many people, the surest first.", minimum=1, maximum=64, step=1),
        Option(
            "detection_threshold",
            0.5,
            "How sure the network must be that there is somebody. Lower finds more people, and things that are none.",
            minimum=0.05,
            maximum=1.0,
            step=0.05,
            advanced=True,
        ),
    ),
    files=(DETECTION_WEIGHTS, LANDMARK_WEIGHTS),
    search_aliases=("pose", "openpose", "mediapipe pose", "body keypoints", "skeleton"),
    finish=finish_poses,
    gives_poses=True,
    packages=("ai-edge-litert",),
    mistakes=(
        "**No fingers.** BlazePose knows bodies and feet only; dwpose and sdpose find hands and faces too.",
        *MISTAKES,
        "**Somebody in a crowd is missed.** It is made for few, large people; use dwpose.",
    ),
)
