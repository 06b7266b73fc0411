"""Whether the colours of a pose map are in the right order.

The colours of the limbs go through all hues, so each of them is also the swapped colour of another limb. The places tell:
orange to yellow-green are the arms, sea-green to sky-blue the legs, and the one is the other with red and blue swapped. In a
figure that stands or sits, the arms' colours lie above the legs'. One that stands on its hands is told by what hangs together:
the left shoulder and the left upper arm do, and with red and blue swapped their colours are those of the two shins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

_LEAST = 0.02  # share of the figure that each of the two groups must have
_APART = 0.12  # of the figure's height
_LEFT_SHOULDER, _LEFT_UPPER_ARM = (255, 85, 0), (170, 255, 0)


def red_and_blue_swapped(picture: np.ndarray) -> bool:
    """picture: uint8 RGB [H,W,3]. False where the figure shows too little of itself to tell."""
    values = picture.astype(np.int16)
    seen = values.max(2) > 60
    rows = np.flatnonzero(seen.any(1))
    if len(rows) < 16:
        return False
    arms, legs = _of_arms(values) & seen, _of_arms(values[..., ::-1]) & seen
    least = _LEAST * seen.sum()
    if arms.sum() < least or legs.sum() < least:
        return False
    height = rows[-1] - rows[0]
    upside_down = _middle_row(arms) - _middle_row(legs) > _APART * height
    return bool(upside_down and _has_left_arm(values[..., ::-1]) and not _has_left_arm(values))


def _has_left_arm(values: np.ndarray) -> bool:
    """Whether the limbs from the neck to the left shoulder and on to its elbow touch."""
    import cv2

    shoulder, upper_arm = (_coloured(values, colour) for colour in (_LEFT_SHOULDER, _LEFT_UPPER_ARM))
    near = cv2.dilate(shoulder.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return bool((near & upper_arm).any())


def _coloured(values: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a colour is, at any brightness."""
    brightest = values.max(2, keepdims=True)
    distance = np.abs(values * (255 / np.maximum(brightest, 1)) - np.array(colour)).max(2)
    return (distance < 30) & (brightest[..., 0] > 60)


def _of_arms(values: np.ndarray) -> np.ndarray:
    """Orange to yellow-green: much green, some of the first channel, next to nothing of the last."""
    brightest = values.max(2)
    return (values[..., 2] < 0.1 * brightest) & (values[..., 1] > 0.6 * brightest) & (values[..., 0] > 0.2 * brightest)


def _middle_row(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[0].mean())


# Which way the axes of a normal map run.
#
# A surface is one height over the picture, so its slopes must fit together: going right then up leads to the same height as
# going up then right. With (r, g) = (red, green) over blue, that reads d r/dy = d g/dx where red and green are mirrored alike
# (red left and green up, or red right and green down), and d r/dy = -d g/dx otherwise. Which of the two mirrorings it is, bumps
# and hollows cannot tell; the ground can: it lies in the lower part of most pictures and faces up.

Convention = Literal["bae", "opengl", "directx", "green_down", "unknown"]


@dataclass(frozen=True)
class Axes:
    """Which way red and green run; certain: the ground is there, and as good as flat."""

    name: Convention
    certain: bool = False


_UNKNOWN = Axes("unknown")

_FRONT = 0.15  # steeper surfaces than this have no reliable slope
_SURE = 0.75  # one reading must be this much better than the other
_TILTED = 0.06  # mean tilt of the lower part below which there is no ground to speak of
_GROUND = 0.25  # and above which it is one; what stands in the foreground had up to 0.15


def normal_axes(picture: np.ndarray) -> Axes:
    """picture: uint8 RGB [H,W,3] of normals (n+1)/2 with the front in blue. "unknown" where the picture does not say."""
    normals = picture.astype(np.float32) / 127.5 - 1
    front = normals[..., 2]
    usable = (front > _FRONT) & (np.abs(np.linalg.norm(normals, axis=2) - 1) < 0.2)
    if usable.mean() < 0.2:
        return _UNKNOWN
    depth = np.maximum(front, _FRONT)
    along = np.gradient(_smooth(normals[..., 0] / depth), axis=0)[usable]
    across = np.gradient(_smooth(normals[..., 1] / depth), axis=1)[usable]
    curved = _curved(np.abs(along) + np.abs(across))
    if curved.sum() < 100:
        return _UNKNOWN
    alike = float(np.median(np.abs(along - across)[curved]))
    opposite = float(np.median(np.abs(along + across)[curved]))
    lower = slice(2 * len(front) // 3, None)
    tilt = float(normals[lower, :, 1][usable[lower]].mean()) if usable[lower].any() else 0.0
    if abs(tilt) < _TILTED or min(alike, opposite) > _SURE * max(alike, opposite):
        return _UNKNOWN
    names: tuple[Convention, Convention] = ("bae", "directx") if alike < opposite else ("opengl", "green_down")
    return Axes(names[0] if tilt > 0 else names[1], abs(tilt) > _GROUND)


def _smooth(slope: np.ndarray) -> np.ndarray:
    """Averaged over five pixels each way: one step of an 8-bit value is a slope of its own."""
    import cv2

    return cv2.blur(slope, (5, 5))


def _curved(strength: np.ndarray) -> np.ndarray:
    """Where the surface turns, without flat places and without the jumps at outlines."""
    turning = strength > 2e-4
    if not turning.any():
        return turning
    low, high = np.percentile(strength[turning], (30, 90))
    return turning & (strength >= low) & (strength <= high)
