"""Poses for the example graphs: a figure that waves, the person in the example picture `astronaut`, a speaker up close."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..images.checks import check_name, check_range
from .keypoints import BODY, BODY_POINTS, Frame, nobody, write_frames

# A person up close who speaks with both hands: the example pose that has a face and fingers.

Point = tuple[float, float]

SPEAKER_CANVAS = (512, 512)
# Body by OpenPose index; x, y in pixels. The legs are out of sight.
SPEAKER: dict[int, Point] = {
    0: (256, 142),
    1: (256, 236),
    2: (168, 246),
    3: (128, 360),
    4: (122, 268),
    5: (344, 246),
    6: (392, 356),
    7: (402, 300),
    14: (232, 118),
    15: (280, 118),
    16: (196, 132),
    17: (316, 132),
    8: (196, 486),
    11: (316, 486),
}
_FACE = (256.0, 140.0)  # between the cheeks
# Fingers from thumb to little finger: direction in degrees (0 right, negative up) and length in pixels.
_OPEN_HAND = ((-150, 40), (-112, 56), (-92, 60), (-74, 54), (-54, 44))
_POINTING_HAND = ((-130, 34), (-84, 58), (20, 24), (30, 22), (38, 20))


def speaker_parts() -> dict[str, np.ndarray]:
    """Face [70,3] and hands [21,3] as x, y, score. The hands belong to the wrists of SPEAKER."""
    return {
        "face_keypoints_2d": _scored(_face()),
        "hand_right_keypoints_2d": _scored(_hand(SPEAKER[4], _OPEN_HAND)),
        "hand_left_keypoints_2d": _scored(_hand(SPEAKER[7], _POINTING_HAND)),
    }


def _scored(points: list[Point]) -> np.ndarray:
    return np.array([(x, y, 1.0) for x, y in points], np.float32)


def _hand(wrist: Point, fingers: tuple[tuple[float, float], ...]) -> list[Point]:
    """Wrist, then four joints of each finger from the palm outwards."""
    points = [wrist]
    for number, (degrees, length) in enumerate(fingers):
        spread = math.radians(-90 + (number - 2) * 16 - (14 if number == 0 else 0))
        palm = 18.0 if number == 0 else 34.0
        base = wrist[0] + palm * math.cos(spread), wrist[1] + palm * math.sin(spread)
        way = math.radians(degrees)
        points += [
            (base[0] + length * share * math.cos(way), base[1] + length * share * math.sin(way))
            for share in (0.0, 0.42, 0.74, 1.0)
        ]
    return points


def _face() -> list[Point]:
    """70 points in OpenPose's order: jaw, brows, nose, eyes, lips, pupils; y is down, the mouth a little open."""
    jaw = _arc((0, -6), 60, 70, 180, 0, 17)
    brows = [*_arc((-28, -26), 20, 9, 190, 350, 5), *_arc((28, -26), 20, 9, 190, 350, 5)]
    nose = [(0.0, -22.0 + 9 * step) for step in range(4)] + [(x, 14.0 - abs(x) * 0.3) for x in (-12, -6, 0, 6, 12)]
    eyes = [*_ring((-24, -20), 11, 5, 6), *_ring((24, -20), 11, 5, 6)]
    lips = [*_ring((0, 34), 22, 10, 12), *_ring((0, 34), 16, 5, 8)]
    pupils = [(-24.0, -20.0), (24.0, -20.0)]
    return [(_FACE[0] + x, _FACE[1] + y) for x, y in (*jaw, *brows, *nose, *eyes, *lips, *pupils)]


def _arc(middle: Point, wide: float, high: float, start: float, end: float, count: int) -> list[Point]:
    angles = [math.radians(start + (end - start) * step / (count - 1)) for step in range(count)]
    return [(middle[0] + wide * math.cos(angle), middle[1] + high * math.sin(angle)) for angle in angles]


def _ring(middle: Point, wide: float, high: float, count: int) -> list[Point]:
    """From the left corner over the top to the right corner, and back below."""
    return _arc(middle, wide, high, 180, 540 - 360 / count, count)


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
    check_name("Example Poses", name, NAMES)
    check_range("Example Poses, input frames", frames, 1, LONGEST)
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
    parts = nobody()
    return {"canvas_width": canvas[1], "canvas_height": canvas[0], "people": [{**parts, **(further or {}), BODY: body}]}
