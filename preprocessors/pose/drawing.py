"""Drawing poses as control nets were trained on them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..entry import Option, Options
from .keypoints import BODY, Frame, read_frames, scaled_frames

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
HAND_BONES = tuple((0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4))  # fmt: skip  # noqa: E501
HAND_JOINT = (0, 0, 255)
FACE_POINT = (255, 255, 255)


def bone_colour(index: int) -> tuple[int, int, int]:
    """The colour of a hand's bone: the hue circle in as many steps as there are bones."""
    red, green, blue = colorsys.hsv_to_rgb(index / len(HAND_BONES), 1.0, 1.0)
    return int(red * 255), int(green * 255), int(blue * 255)


# Ellipses, discs and lines drawn into a picture, without OpenCV.

Colour = tuple[float, float, float]
Point = np.ndarray  # x, y in pixels


def draw_disc(canvas: np.ndarray, centre: Point, radius: float, colour: Colour) -> None:
    """A filled disc on a uint8 canvas [H,W,3]; what lies outside of it is cut off."""
    x, y = (int(value) for value in centre)
    across, down, window = _window(canvas, x - radius, x + radius, y - radius, y + radius)
    window[(across - x) ** 2 + (down - y) ** 2 <= radius**2] = colour


def draw_ellipse(canvas: np.ndarray, start: Point, end: Point, half_width: float, colour: Colour) -> None:
    """A filled ellipse whose long axis runs from `start` to `end`."""
    (x, y), (dx, dy) = (start + end) / 2, end - start
    length = math.hypot(dx, dy)
    if length < 1:
        return
    x, y, long, short = int(x), int(y), int(length / 2) + 0.5, half_width + 0.5  # whole pixels, as OpenCV's are
    reach = max(long, short) + 1
    across, down, window = _window(canvas, x - reach, x + reach, y - reach, y + reach)
    along = ((across - x) * dx + (down - y) * dy) / length
    off = ((down - y) * dx - (across - x) * dy) / length
    window[(along / long) ** 2 + (off / short) ** 2 <= 1] = colour


def draw_line(canvas: np.ndarray, start: Point, end: Point, width: float, colour: Colour) -> None:
    """A line with round ends."""
    (x0, y0), (x1, y1) = start.astype(int), end.astype(int)
    reach = width / 2 + 0.5
    across, down, window = _window(
        canvas, min(x0, x1) - reach, max(x0, x1) + reach, min(y0, y1) - reach, max(y0, y1) + reach
    )
    dx, dy = float(x1 - x0), float(y1 - y0)
    share = ((across - x0) * dx + (down - y0) * dy) / max(dx * dx + dy * dy, 1e-6)
    share = np.clip(share, 0, 1)
    window[(across - x0 - share * dx) ** 2 + (down - y0 - share * dy) ** 2 <= (width / 2) ** 2] = colour


def _window(
    canvas: np.ndarray, left: float, right: float, top: float, bottom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x of the columns, y of the rows, view of the canvas) for the box, as far as it lies on the canvas."""
    height, width = canvas.shape[:2]
    x0, x1 = max(0, math.floor(left)), min(width, math.ceil(right) + 1)
    y0, y1 = max(0, math.floor(top)), min(height, math.ceil(bottom) + 1)
    x1, y1 = max(x0, x1), max(y0, y1)
    return np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None], canvas[y0:y1, x0:x1]


_TRAINED_AT = 512  # pixels of the short side for which the widths below are right
_BODY_LIMBS = 12  # of LIMBS; the rest is the head
_DIM = 0.6  # of a limb against its joints, in OpenPose's and DWPose's maps
_HEAD = (0, 14, 15, 16, 17)

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
    ),
    Option(
        "line_width",
        "classic",
        "classic: 4 pixels at any size, as the annotators draw; scaled: grows with the picture, 4 at 512; "
        "xinsir: as xinsir's SDXL nets want it.",
        choices=("classic", "scaled", "xinsir"),
    ),
    Option("threshold", 0.3, "Points found with less confidence are left out.", minimum=0.0, maximum=1.0, step=0.01),
)


@dataclass(frozen=True)
class Widths:
    """Half the width of limbs, the radius of joints, of the face's points, and the width of fingers, in pixels."""

    limb: float
    joint: float
    face: float
    finger: float


def drawn_poses(poses: Any, size: tuple[int, int] | None, options: Options, where: str) -> torch.Tensor:
    """POSE_KEYPOINT frames as maps [B,H,W,3]: colours on black, of (height, width) or of the size of the first canvas."""
    frames = read_frames(poses, where)
    size = size or (frames[0]["canvas_height"], frames[0]["canvas_width"])
    flat = [_at_size(frame, size, where) for frame in frames]
    maps = np.stack([_drawn(frame, size, options) for frame in flat])
    return torch.from_numpy(maps).float() / 255


def widths_of(style: str, size: tuple[int, int]) -> Widths:
    """The widths of a style for pictures of (height, width)."""
    if style == "scaled":
        scale = min(size) / _TRAINED_AT
        return Widths(4 * scale, 4 * scale, 3 * scale, 2 * scale)
    stick = 4.0
    if style == "xinsir":
        stick *= 1 if max(size) < 500 else min(2 + max(size) // 1000, 7)
    return Widths(stick, 4.0, 3.0, 2.0)


def people_in(frames: Sequence[Frame]) -> str:
    """How many people each frame shows, in words."""
    counts = [len(frame["people"]) for frame in frames]
    lonely = [str(number) for number, count in enumerate(counts) if count == 0]
    text = f"People found: {', '.join(map(str, counts[:16]))}{', …' if len(counts) > 16 else ''}."
    return text + (f" Nobody in picture {', '.join(lonely)}." if lonely else "")


def _at_size(frame: Frame, size: tuple[int, int], where: str) -> Frame:
    canvas = frame["canvas_height"], frame["canvas_width"]
    flat = {
        **frame,
        "people": [{part: points.ravel().tolist() for part, points in one.items()} for one in frame["people"]],
    }
    return read_frames(scaled_frames([flat], canvas, size), where)[0]


def _drawn(frame: Frame, size: tuple[int, int], options: Options) -> np.ndarray:
    canvas = np.zeros((*size, 3), np.uint8)
    widths = widths_of(options["line_width"], size)
    people = [_confident(person, options["threshold"]) for person in frame["people"]]
    for person in people:
        _draw_body(canvas, person[BODY], widths, options)
    for person in people:
        if options["feet"]:
            _draw_points(canvas, person["foot_keypoints_2d"], widths.joint, COLOURS[: len(person["foot_keypoints_2d"])])
        if options["hands"]:
            for hand in ("hand_left_keypoints_2d", "hand_right_keypoints_2d"):
                _draw_hand(canvas, person[hand], widths)
        if options["face"]:
            _draw_points(
                canvas, person["face_keypoints_2d"], widths.face, [FACE_POINT] * len(person["face_keypoints_2d"])
            )
    return canvas


def _confident(person: dict[str, np.ndarray], threshold: float) -> dict[str, np.ndarray]:
    """The person with uncertain points marked as not found."""
    return {
        part: np.where((points[:, 2:] > 0) & (points[:, 2:] >= threshold), points, 0) for part, points in person.items()
    }


def _draw_body(canvas: np.ndarray, body: np.ndarray, widths: Widths, options: Options) -> None:
    dim = _DIM if options["brightness"] == "dwpose" else 1.0
    for number, (first, second) in enumerate(LIMBS):
        wanted = options["body"] if number < _BODY_LIMBS else options["head"]
        if wanted and body[first, 2] > 0 and body[second, 2] > 0:
            red, green, blue = (int(value * dim) for value in COLOURS[number])
            draw_ellipse(canvas, body[first, :2], body[second, :2], widths.limb, (red, green, blue))
    for number, point in enumerate(body):
        # The neck belongs to both.
        wanted = options["head"] if number in _HEAD else options["body"] or (number == 1 and options["head"])
        if wanted and point[2] > 0:
            draw_disc(canvas, point[:2], widths.joint, COLOURS[number])


def _draw_hand(canvas: np.ndarray, hand: np.ndarray, widths: Widths) -> None:
    for number, (first, second) in enumerate(HAND_BONES):
        if hand[first, 2] > 0 and hand[second, 2] > 0:
            draw_line(canvas, hand[first, :2], hand[second, :2], widths.finger, bone_colour(number))
    _draw_points(canvas, hand, widths.joint, [HAND_JOINT] * len(hand))


def _draw_points(
    canvas: np.ndarray, points: np.ndarray, radius: float, colours: Sequence[tuple[int, int, int]]
) -> None:
    for point, colour in zip(points, colours, strict=True):
        if point[2] > 0:
            draw_disc(canvas, point[:2], radius, colour)
