"""A storyboard's background as a hand would draw it: ink on white paper, a gate on a hill, a lantern, mountains, a moon."""

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image, ImageDraw

SIZE = 512
_FINE = 2
_WIDE, _THIN = 5, 3  # pixels

Line = tuple[tuple[float, float], ...]
# In 64ths of the side. The middle is left free for a figure.
_WIDE_LINES: tuple[Line, ...] = (
    ((0, 50), (14, 47), (30, 49), (46, 47), (64, 51)),  # the hill
    ((44, 47), (44, 22), (47, 22), (47, 47)),  # the gate: two posts, two beams
    ((57, 49), (57, 22), (60, 22), (60, 49)),
    ((40, 19), (42, 22), (62, 22), (64, 19), (52, 18), (40, 19)),
    ((45, 27), (59, 27), (59, 29), (45, 29), (45, 27)),
    ((8, 47), (8, 28), (13, 28)),  # the lantern
    ((11, 31), (15, 31), (16, 37), (10, 37), (11, 31)),
)
_THIN_LINES: tuple[Line, ...] = (
    ((0, 38), (8, 30), (13, 34), (24, 20), (33, 33), (38, 29), (44, 36)),  # mountains
    ((24, 20), (22, 26), (25, 25), (26, 29)),
    ((47, 36), (52, 32), (57, 36)),
    ((24, 64), (29, 56), (36, 51), (45, 48)),  # the path
    ((44, 64), (46, 57), (51, 52), (56, 49)),
    ((13, 31), (13, 28)),
    ((6, 58), (7, 54), (8, 58)),
    ((54, 60), (55, 56), (56, 60)),
)
_MOON = (14, 12, 5.5)


def draw_sketch() -> Image.Image:
    """The sketch in grey, SIZE pixels square."""
    side = SIZE * _FINE
    image = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(image)
    for lines, width in ((_WIDE_LINES, _WIDE), (_THIN_LINES, _THIN)):
        for line in lines:
            points = [(x * side / 64, y * side / 64) for x, y in _shaken(line)]
            pen.line(points, 15, width * _FINE, joint="curve")
    x, y, radius = (value * side / 64 for value in _MOON)
    pen.arc((x - radius, y - radius, x + radius, y + radius), 20, 372, 15, _THIN * _FINE)
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _shaken(line: Line) -> Line:
    """The line in short pieces that stray a little, as a hand's do."""
    points = []
    for (x0, y0), (x1, y1) in pairwise(line):
        pieces = max(2, round(math.dist((x0, y0), (x1, y1))))
        for step in range(pieces):
            t = step / pieces
            x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
            points.append((x + 0.05 * math.sin(2.1 * y + x), y + 0.05 * math.sin(1.7 * x + y)))
    return (*points, line[-1])
