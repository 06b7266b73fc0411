"""Poses for the example graphs: a figure that waves, the person in the example picture `astronaut`, a speaker up close."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .keypoints import BODY, BODY_POINTS, PARTS, Frame, write_frames
from .speaker import SPEAKER, SPEAKER_CANVAS, speaker_parts

NAMES = ("wave", "astronaut", "speaker")
LONGEST = 240

# Positions by OpenPose index; x, y in pixels.
_STANDING = {
    0: (192, 92),
    1: (192, 140),
    14: (184, 84),
    15: (200, 84),
    16: (172, 90),
    17: (212, 90),
    2: (152, 142),
    3: (138, 202),
    4: (134, 258),
    5: (232, 142),
    8: (168, 270),
    9: (164, 366),
    10: (162, 456),
    11: (216, 270),
    12: (220, 366),
    13: (222, 456),
}
_STANDING_CANVAS = (512, 384)
# Measured by hand in the picture; arms and legs are out of sight or hidden by the suit.
_ASTRONAUT = {
    0: (223, 122),
    1: (214, 232),
    2: (102, 262),
    5: (326, 262),
    14: (204, 101),
    15: (247, 103),
    16: (176, 108),
    17: (279, 112),
}
_ASTRONAUT_CANVAS = (512, 512)
_UPPER_ARM, _FOREARM = 58.0, 56.0
_BEAT = 8  # frames from one turning point of the hand to the same one again


def example_poses(name: str, frames: int) -> list[Frame]:
    """POSE_KEYPOINT frames of a name in NAMES; a still picture's pose is repeated. ValueError for other names."""
    if name not in NAMES:
        raise ValueError(f'Example Poses: there is no "{name}". There are: {", ".join(NAMES)}.')
    if not 1 <= frames <= LONGEST:
        raise ValueError(f"Example Poses, input frames: {frames} lies outside 1 to {LONGEST}.")
    if name == "astronaut":
        return write_frames([_frame(_ASTRONAUT, _ASTRONAUT_CANVAS)] * frames)
    if name == "speaker":
        return write_frames([_frame(SPEAKER, SPEAKER_CANVAS, speaker_parts())] * frames)
    return write_frames([_frame(_waving(number), _STANDING_CANVAS) for number in range(frames)])


def _waving(number: int) -> dict[int, tuple[float, float]]:
    """The standing figure with its left arm up; the forearm swings, and head and shoulders lean along a little."""
    phase = math.sin(2 * math.pi * number / _BEAT)
    elbow = _reach(_STANDING[5], _UPPER_ARM, -20 - 6 * phase)
    hand = _reach(elbow, _FOREARM, -80 + 32 * phase)
    lean = 3.0 * phase
    head = {index: (x + lean, y) for index, (x, y) in _STANDING.items() if index in (0, 14, 15, 16, 17)}
    return {**_STANDING, **head, 6: elbow, 7: hand}


def _reach(start: tuple[float, float], length: float, degrees: float) -> tuple[float, float]:
    """The point `length` pixels from `start`; 0 degrees is to the right, negative angles are upwards."""
    angle = math.radians(degrees)
    return start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)


def _frame(
    positions: Mapping[int, tuple[float, float]],
    canvas: tuple[int, int],
    further: Mapping[str, np.ndarray] | None = None,
) -> Frame:
    body = np.zeros((BODY_POINTS, 3), np.float32)
    for index, position in positions.items():
        body[index] = (*position, 1.0)
    parts = {part: np.zeros((count, 3), np.float32) for part, count in PARTS.items()}
    return {"canvas_width": canvas[1], "canvas_height": canvas[0], "people": [{**parts, **(further or {}), BODY: body}]}
