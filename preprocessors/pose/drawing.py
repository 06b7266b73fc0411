"""Drawing poses as control nets were trained on them."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..entry import Option, Options
from .keypoints import BODY, FACE, FEET, LEFT_HAND, PARTS, RIGHT_HAND, Frame, Person, stretched
from .shapes import Colour, draw_disc, draw_ellipse, draw_line

# OpenPose's figure: which points belong together and in which colour control nets know them.

# Pairs of body points, in the order of drawing and of the colours: 12 of the body, then 5 of the head.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
# The 18 points of the body, of the person's own left and right.
POINT_NAMES = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist", "right hip",
    "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye", "right ear", "left ear",
)  # fmt: skip
HAND_BONES = tuple((0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4))  # fmt: skip  # noqa: E501
HAND_JOINT = (0, 0, 255)
FACE_POINT = (255, 255, 255)


def bone_colour(index: int) -> tuple[int, int, int]:
    """The colour of a hand's bone: the hue circle in as many steps as there are bones, in whole levels as OpenCV rounds."""
    red, green, blue = colorsys.hsv_to_rgb(index / len(HAND_BONES), 1.0, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def figure() -> dict[str, Any]:
    """The figure as JSON: pairs of points and their colours for body and hands, the names of the body's points."""
    return {
        "names": POINT_NAMES,
        "limbs": LIMBS,
        "colours": COLOURS,
        "dim": _DIM,
        "hand_bones": HAND_BONES,
        "hand_colours": [bone_colour(number) for number in range(len(HAND_BONES))],
        "hand_joint": HAND_JOINT,
        "face_point": FACE_POINT,
        "parts": PARTS,
    }


_TRAINED_AT = 512  # pixels of the short side for which the widths below are right
_DIM = 0.6  # of a limb against its joints, in OpenPose's and DWPose's maps
_HEAD, _NECK = (0, 14, 15, 16, 17), 1

DRAWING_OPTIONS = (
    Option("body", True, "Draw the body: arms, legs, shoulders and hips."),
    Option("head", True, "Draw nose, eyes and ears."),
    Option("hands", True, "Draw the fingers, where they were found."),
    Option("face", True, "Draw the points of the face, where they were found."),
    Option("feet", False, "Draw toes and heels, where they were found. Most control nets have not seen them."),
    Option(
        "brightness",
        "dwpose",
        "dwpose: limbs at 60 percent, as OpenPose and DWPose draw them and most control nets know them; full: as ComfyUI's "
        "SDPose draws them.",
        choices=("dwpose", "full"),
        advanced=True,
    ),
    Option(
        "line_width",
        "classic",
        "classic: 4 pixels at any size, as the annotators draw; scaled: grows with the picture, 4 at 512; "
        "xinsir: as xinsir's SDXL nets want it.",
        choices=("classic", "scaled", "xinsir"),
        advanced=True,
    ),
    Option(
        "threshold",
        0.3,
        "Points found with less confidence are left out.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
        advanced=True,
    ),
)


@dataclass(frozen=True)
class Widths:
    """Half the width of limbs, the radius of joints, of the face's points, and the width of fingers, in pixels."""

    limb: float
    joint: float
    face: float
    finger: float


@dataclass(frozen=True)
class Drawn:
    """maps [B,H,W,3] in 0..1; for each picture and person why nothing of them is to be seen, empty where something is."""

    maps: torch.Tensor
    missing: tuple[tuple[str, ...], ...]


def drawn_poses(frames: Sequence[Frame], size: tuple[int, int], options: Options) -> Drawn:
    """Frames of arrays as colours on black, of (height, width); each canvas is brought to that size."""
    maps, missing = [], []
    for frame in frames:
        canvas = np.zeros((*size, 3), np.uint8)
        missing.append(tuple(_draw(canvas, person, options) for person in stretched(frame, size)["people"]))
        maps.append(canvas)
    return Drawn(torch.from_numpy(np.stack(maps)).float() / 255, tuple(missing))


def widths_of(style: str, size: tuple[int, int]) -> Widths:
    """The widths of a style for pictures of (height, width)."""
    if style == "scaled":
        scale = min(size) / _TRAINED_AT
        return Widths(4 * scale, 4 * scale, 3 * scale, 2 * scale)
    stick = 4.0
    if style == "xinsir":
        stick *= 1 if max(size) < 500 else min(2 + max(size) // 1000, 7)
    return Widths(stick, 4.0, 3.0, 2.0)


def _draw(canvas: np.ndarray, person: Person, options: Options) -> str:
    """Draw a person; why nothing of them is to be seen, or nothing."""
    sure = {part: _confident(points, options["threshold"]) for part, points in person.items()}
    widths = widths_of(options["line_width"], (canvas.shape[0], canvas.shape[1]))
    wanted = _wanted(sure, options)
    _draw_parts(canvas, wanted, widths, options)
    if any(_on(points, canvas) for points in wanted.values()):
        return ""
    if not any(points[:, 2].any() for points in sure.values()):
        best = max(float(points[:, 2].max()) for points in person.values())
        return (
            f"no point reaches the threshold {options['threshold']:g}{f' (the surest has {best:.2f})' if best else ''}"
        )
    if not any(points[:, 2].any() for points in wanted.values()):
        return "the options leave out all that was found"
    alone = np.zeros_like(canvas)  # a limb may cross the picture between two points beyond it
    _draw_parts(alone, wanted, widths, options)
    return "" if alone.any() else "all points lie outside the picture"


def _on(points: np.ndarray, canvas: np.ndarray) -> bool:
    inside = (points[:, :2] >= 0).all(1) & (points[:, 0] < canvas.shape[1]) & (points[:, 1] < canvas.shape[0])
    return bool((inside & (points[:, 2] > 0)).any())


def _confident(points: np.ndarray, threshold: float) -> np.ndarray:
    """Points [N,3] with the uncertain ones marked as not found."""
    return np.where((points[:, 2:] > 0) & (points[:, 2:] >= threshold), points, 0)


def _wanted(person: Person, options: Options) -> Person:
    """The parts that the options ask for. The neck belongs to body and head."""
    switches = {BODY: options["body"] or options["head"], FEET: options["feet"], FACE: options["face"]}
    hands = dict.fromkeys((LEFT_HAND, RIGHT_HAND), options["hands"])
    parts = {part: person[part].copy() for part, on in {**switches, **hands}.items() if on}
    for number in range(len(COLOURS)):
        on = options["head"] if number in _HEAD else options["body"] or (number == _NECK and options["head"])
        if BODY in parts and not on:
            parts[BODY][number] = 0
    return parts


def _draw_parts(canvas: np.ndarray, person: Person, widths: Widths, options: Options) -> None:
    if BODY in person:
        _draw_body(canvas, person[BODY], widths, _DIM if options["brightness"] == "dwpose" else 1.0)
    if FEET in person:
        _draw_points(canvas, person[FEET], widths.joint, COLOURS)
    for hand in (LEFT_HAND, RIGHT_HAND):
        if hand in person:
            _draw_hand(canvas, person[hand], widths)
    if FACE in person:
        _draw_points(canvas, person[FACE], widths.face, [FACE_POINT] * len(person[FACE]))


def _draw_body(canvas: np.ndarray, body: np.ndarray, widths: Widths, dim: float) -> None:
    for (first, second), colour in zip(LIMBS, COLOURS, strict=False):
        if body[first, 2] > 0 and body[second, 2] > 0:
            red, green, blue = (int(value * dim) for value in colour)
            draw_ellipse(canvas, body[first, :2], body[second, :2], widths.limb, (red, green, blue))
    _draw_points(canvas, body, widths.joint, COLOURS)


def _draw_hand(canvas: np.ndarray, hand: np.ndarray, widths: Widths) -> None:
    for number, (first, second) in enumerate(HAND_BONES):
        if hand[first, 2] > 0 and hand[second, 2] > 0:
            draw_line(canvas, hand[first, :2], hand[second, :2], widths.finger, bone_colour(number))
    _draw_points(canvas, hand, widths.joint, [HAND_JOINT] * len(hand))


def _draw_points(canvas: np.ndarray, points: np.ndarray, radius: float, colours: Sequence[Colour]) -> None:
    for point, colour in zip(points, colours, strict=False):
        if point[2] > 0:
            draw_disc(canvas, point[:2], radius, colour)
