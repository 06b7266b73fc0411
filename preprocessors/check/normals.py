"""Which way the axes of a normal map run.

A surface is one height over the picture, so its slopes must fit together: going right then up leads to the same height as
going up then right. With (r, g) = (red, green) over blue, that reads d r/dy = d g/dx where red and green are mirrored alike
(red left and green up, or red right and green down), and d r/dy = -d g/dx otherwise. Which of the two mirrorings it is, bumps
and hollows cannot tell; the ground can: it lies in the lower part of most pictures and faces up.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Axes = Literal["bae", "opengl", "directx", "green_down", "unknown"]

_FRONT = 0.15  # steeper surfaces than this have no reliable slope
_SURE = 0.75  # one reading must be this much better than the other
_TILTED = 0.06  # mean tilt of the lower part below which there is no ground to speak of


def normal_axes(picture: np.ndarray) -> Axes:
    """picture: uint8 RGB [H,W,3] of normals (n+1)/2 with the front in blue. "unknown" where the picture does not say."""
    normals = picture.astype(np.float32) / 127.5 - 1
    front = normals[..., 2]
    usable = (front > _FRONT) & (np.abs(np.linalg.norm(normals, axis=2) - 1) < 0.2)
    if usable.mean() < 0.2:
        return "unknown"
    depth = np.maximum(front, _FRONT)
    along = np.gradient(_smooth(normals[..., 0] / depth), axis=0)[usable]
    across = np.gradient(_smooth(normals[..., 1] / depth), axis=1)[usable]
    curved = _curved(np.abs(along) + np.abs(across))
    if curved.sum() < 100:
        return "unknown"
    alike = float(np.median(np.abs(along - across)[curved]))
    opposite = float(np.median(np.abs(along + across)[curved]))
    lower = slice(2 * len(front) // 3, None)
    tilt = float(normals[lower, :, 1][usable[lower]].mean()) if usable[lower].any() else 0.0
    if abs(tilt) < _TILTED or min(alike, opposite) > _SURE * max(alike, opposite):
        return "unknown"
    if alike < opposite:
        return "bae" if tilt > 0 else "directx"
    return "opengl" if tilt > 0 else "green_down"


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
