"""Drawing poses as control nets were trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..entry import Option, Options
from .keypoints import BODY, Frame, read_frames, scaled_frames
from .limbs import COLOURS, FACE_POINT, HAND_BONES, HAND_JOINT, LIMBS, bone_colour
from .shapes import draw_disc, draw_ellipse, draw_line

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
    people = [_confident(one, options["threshold"]) for one in frame["people"]]
    for one in people:
        _draw_body(canvas, one[BODY], widths, options)
    for one in people:
        if options["feet"]:
            _draw_points(canvas, one["foot_keypoints_2d"], widths.joint, COLOURS[: len(one["foot_keypoints_2d"])])
        if options["hands"]:
            for hand in ("hand_left_keypoints_2d", "hand_right_keypoints_2d"):
                _draw_hand(canvas, one[hand], widths)
        if options["face"]:
            _draw_points(canvas, one["face_keypoints_2d"], widths.face, [FACE_POINT] * len(one["face_keypoints_2d"]))
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
