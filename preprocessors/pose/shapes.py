"""Ellipses, discs and lines as the annotators draw them: by OpenCV, which drew the maps that pose nets were trained on.

Without OpenCV they are drawn by their formulas; 2 percent of the pixels of limbs and a tenth of the thin fingers', all at
rims, then differ.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

Colour = tuple[float, float, float]
Point = np.ndarray  # x, y in pixels

_FARTHEST = 32_000  # pixels from the corner: OpenCV draws with whole numbers of 16 bits, and nothing there is seen
_RIM, _LINE_RIM = 0.6, 0.4  # pixels by which OpenCV's are larger than their formulas, measured on 300 of each


def opencv() -> ModuleType | None:
    """OpenCV, or None where it is not installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def draw_disc(canvas: np.ndarray, centre: Point, radius: float, colour: Colour) -> None:
    """A filled disc on a uint8 canvas [H,W,3]; what lies outside of it is cut off."""
    (x, y), radius = _whole(centre), round(radius)
    cv2 = opencv()
    if cv2 is not None:
        cv2.circle(canvas, (x, y), radius, colour, thickness=-1)
        return
    across, down, window = _window(canvas, x - radius, x + radius, y - radius, y + radius)
    window[(across - x) ** 2 + (down - y) ** 2 <= radius**2] = _levels(colour)


def draw_ellipse(canvas: np.ndarray, start: Point, end: Point, half_width: float, colour: Colour) -> None:
    """A filled ellipse whose long axis runs from `start` to `end`, of whole pixels and whole degrees as the annotators'."""
    (x, y), (dx, dy) = _whole((start + end) / 2), start - end
    length = math.hypot(dx, dy)
    if length < 1:
        return
    long, short, degrees = int(length / 2), round(half_width), int(math.degrees(math.atan2(dy, dx)))
    cv2 = opencv()
    if cv2 is not None:
        cv2.fillConvexPoly(canvas, cv2.ellipse2Poly((x, y), (long, short), degrees, 0, 360, 1), colour)
        return
    reach = max(long, short) + 1
    across, down, window = _window(canvas, x - reach, x + reach, y - reach, y + reach)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along, off = (across - x) * cosine + (down - y) * sine, (down - y) * cosine - (across - x) * sine
    window[(along / (long + _RIM)) ** 2 + (off / (short + _RIM)) ** 2 <= 1] = _levels(colour)


def draw_line(canvas: np.ndarray, start: Point, end: Point, width: float, colour: Colour) -> None:
    """A line with round ends."""
    (x0, y0), (x1, y1), width = _whole(start), _whole(end), max(1, round(width))
    cv2 = opencv()
    if cv2 is not None:
        cv2.line(canvas, (x0, y0), (x1, y1), colour, width)
        return
    reach = width / 2 + _LINE_RIM
    across, down, window = _window(
        canvas, min(x0, x1) - reach, max(x0, x1) + reach, min(y0, y1) - reach, max(y0, y1) + reach
    )
    dx, dy = float(x1 - x0), float(y1 - y0)
    share = ((across - x0) * dx + (down - y0) * dy) / max(dx * dx + dy * dy, 1e-6)
    share = np.clip(share, 0, 1)
    window[(across - x0 - share * dx) ** 2 + (down - y0 - share * dy) ** 2 <= (width / 2 + _LINE_RIM) ** 2] = _levels(
        colour
    )


def _whole(point: Point) -> tuple[int, int]:
    x, y = (int(min(max(value, -_FARTHEST), _FARTHEST)) for value in point.tolist())
    return x, y


def _levels(colour: Colour) -> list[int]:
    return [round(value) for value in colour]


def _window(
    canvas: np.ndarray, left: float, right: float, top: float, bottom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x of the columns, y of the rows, view of the canvas) for the box, as far as it lies on the canvas."""
    height, width = canvas.shape[:2]
    x0, x1 = max(0, math.floor(left)), min(width, math.ceil(right) + 1)
    y0, y1 = max(0, math.floor(top)), min(height, math.ceil(bottom) + 1)
    x1, y1 = max(x0, x1), max(y0, y1)
    return np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None], canvas[y0:y1, x0:x1]
