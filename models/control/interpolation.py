"""The values of a curve between its points, equal to those of the host's curve widget.

They are computed here because older hosts have no curves; a test holds them against the host's own classes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise

Points = tuple[tuple[float, float], ...]

_RADIUS = 3.0  # Fritsch and Carlson 1980: two slopes within this circle, in units of the secant, cannot overshoot


def interpolated(points: Points, x: float, smooth: bool) -> float:
    """The value at x of the curve through points (x, y), ascending in x: straight lines, or a smooth monotone curve.

    Held flat outside the points.
    """
    if x <= points[0][0]:
        return points[0][1]
    if x >= points[-1][0]:
        return points[-1][1]
    index = bisect_right(points, x, key=lambda point: point[0]) - 1
    (left, low), (right, high) = points[index : index + 2]
    if not smooth:
        return (high - low) / (right - left) * (x - left) + low
    width = right - left
    leaving, arriving = monotone_slopes(points)[index : index + 2]
    t = (x - left) / width
    square = t * t
    cube = square * t
    return (
        (2 * cube - 3 * square + 1) * low
        + (cube - 2 * square + t) * width * leaving
        + (-2 * cube + 3 * square) * high
        + (cube - square) * width * arriving
    )


@lru_cache(maxsize=128)
def monotone_slopes(points: Points) -> tuple[float, ...]:
    """The slope at each of two or more points, so that a cubic Hermite curve stays between neighbouring values."""
    secants = [(high - low) / (right - left) for (left, low), (right, high) in pairwise(points)]
    inner = [0.0 if a * b <= 0 else (a + b) / 2 for a, b in pairwise(secants)]
    slopes = [secants[0], *inner, secants[-1]]
    for index, secant in enumerate(secants):
        slopes[index : index + 2] = _limited(slopes[index], slopes[index + 1], secant)
    return tuple(slopes)


def _limited(leaving: float, arriving: float, secant: float) -> tuple[float, float]:
    if secant == 0:
        return 0.0, 0.0
    ahead, behind = leaving / secant, arriving / secant
    length = math.sqrt(ahead * ahead + behind * behind)
    if length <= _RADIUS:
        return leaving, arriving
    if not math.isfinite(length):  # a rise so small that it is none
        return 0.0, 0.0
    return _RADIUS / length * ahead * secant, _RADIUS / length * behind * secant
