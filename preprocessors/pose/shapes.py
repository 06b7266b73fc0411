"""Ellipses, discs and lines drawn into a picture, without OpenCV."""

from __future__ import annotations

import math

import numpy as np

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
