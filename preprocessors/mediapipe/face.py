"""Faces by MediaPipe's face mesh, in the colours of the laion-face control nets."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch

from ..entry import Detected, Option, Options, Preprocessor
from ..images.kinds import MAP_KINDS
from ..pose.shapes import draw_disc, draw_line
from .crops import Found, Square, cut, detected
from .face_mesh import PARTS, PUPILS
from .tflite import load_tflite, mediapipe_file

_DETECTOR, _STRIDES, _MESH_SIZE = 128, (8, 16, 16, 16), 192
_MARGIN = 1.5
_WIDTH = 2  # pixels of the lines

DETECTION_WEIGHTS = mediapipe_file(
    "face_detection",
    "face_detection/face_detection_short_range.tflite",
    229_714,
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
LANDMARK_WEIGHTS = mediapipe_file(
    "face_landmark",
    "face_landmark/face_landmark.tflite",
    1_242_398,
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)


def detect_face(pictures: torch.Tensor, options: Options) -> Detected:
    """Lines around face, eyes, brows and mouth of every face in pictures [B,h,w,3], on black."""
    finder = load_tflite("mediapipe_face", DETECTION_WEIGHTS)
    mesh = load_tflite("mediapipe_face", LANDMARK_WEIGHTS)
    maps, counts = [], []
    for picture in pictures.cpu():
        canvas = np.zeros(tuple(picture.shape), np.uint8)
        faces = detected(finder, picture, _DETECTOR, _STRIDES, options["detection_threshold"])
        drawn = 0
        for square in map(_square, faces[: options["most_faces"]]):
            points, presence = _points(mesh(cut(picture, square, _MESH_SIZE)), square)
            if presence > 0.5 and np.ptp(points, 0).min() >= options["smallest_face"]:
                _draw(canvas, points)
                drawn += 1
        maps.append(canvas)
        counts.append(str(drawn))
    return Detected(torch.from_numpy(np.stack(maps)).float() / 255, (f"Faces found: {', '.join(counts)}.",))


def _square(found: Found) -> Square:
    """Around the face, upright by its eyes (the first two points: its right one, its left one)."""
    across, down = found.points[1] - found.points[0]
    x, y, width, height = found.box
    return Square(x, y, max(width, height) * _MARGIN, math.atan2(down, across))


def _points(outputs: list[np.ndarray], square: Square) -> tuple[np.ndarray, float]:
    """([468,2] in pixels of the picture, presence of a face in 0..1)."""
    values, presence = sorted(outputs, key=lambda one: -one.size)
    points = square.to_picture(values.reshape(-1, 3)[:, :2] / _MESH_SIZE)
    return points, 1 / (1 + math.exp(-float(presence.reshape(-1)[0])))


def _draw(canvas: np.ndarray, points: np.ndarray) -> None:
    for colour, chains in PARTS:
        for chain in chains:
            for first, second in pairwise(chain):
                draw_line(canvas, points[first], points[second], _WIDTH, colour)
    for colour, outline in PUPILS:
        draw_disc(canvas, points[list(outline)].mean(0), _WIDTH, colour)


MEDIAPIPE_FACE = Preprocessor(
    method="mediapipe_face",
    node_id="ArmatureMediaPipeFace",
    title="MediaPipe Face",
    summary="Faces as coloured lines on black, for laion-face control nets: expression and direction of the head.",
    version=2,
    makes=MAP_KINDS["mediapipe_face"],
    wanted_by=("mediapipe_face",),
    detect=detect_face,
    options=(
        Option("most_faces", 10, "At most so many faces, the surest first.", minimum=1, maximum=64, step=1),
        Option(
            "detection_threshold",
            0.5,
            "How sure the network must be that there is a face.",
            minimum=0.05,
            maximum=1.0,
            step=0.05,
        ),
        Option("smallest_face", 64, "Smaller faces are left out, in pixels.", minimum=0, maximum=1024, step=1),
    ),
    files=(DETECTION_WEIGHTS, LANDMARK_WEIGHTS),
    search_aliases=("face mesh", "mediapipe", "face landmarks", "MediaPipe-FaceMeshPreprocessor", "expression"),
    packages=("ai-edge-litert",),
    mistakes=(
        "**A face is missed.** The detector is made for faces within two metres; crop the picture, or lower `smallest_face`.",
    ),
)
