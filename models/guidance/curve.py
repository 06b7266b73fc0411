"""A weight over the sampling progress: the one curve type for every scheduled signal.

Text and the host's curve widget give equal curves, interpolated alike, so that what the widget draws is what acts.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

# The values of a curve between its points, equal to those of the host's curve widget.
#
# They are computed here because older hosts have no curves; a test holds them against the host's own classes.

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


if TYPE_CHECKING:
    from comfy_api.input import CurveInput

Interpolation = Literal["linear", "monotone_cubic"]

PRESETS: dict[str, str] = {
    "constant": "0:1",
    "fade in": "0:0, 1:1",
    "fade out": "0:1, 1:0",
    "bell": "smooth 0:0, 0.5:1, 1:0",
    "hold then release": "0:1, 0.6:1, 0.8:0",
}

_STATIONS = 65  # of a drawn curve

_SMOOTH = "smooth"
_MAXIMUM = 10.0
_HELP = (
    'Write points as progress:weight, for example "0:1, 0.4:0.6, 1:0" (put "smooth" in front for a smooth curve), '
    f"or one of: {', '.join(PRESETS)}. An empty schedule means full weight throughout."
)


@dataclass(frozen=True)
class Curve:
    """Points (progress, factor), progress 0 (first step) to 1 (last), in ascending order; held flat outside them."""

    points: tuple[tuple[float, float], ...]
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        _check_points(self.points)

    @property
    def is_constant(self) -> bool:
        """Whether the factor is the same at every progress."""
        return len({factor for _, factor in self.points}) == 1

    def value(self, progress: float) -> float:
        """Factor at a progress in 0..1."""
        return interpolated(self.points, progress, smooth=self.interpolation == "monotone_cubic")

    def to_text(self) -> str:
        """The text form, which `from_text` reads back to an equal curve."""
        points = ", ".join(f"{progress!r}:{factor!r}" for progress, factor in self.points)
        return f"{_SMOOTH} {points}" if self.interpolation == "monotone_cubic" else points

    @staticmethod
    def from_text(text: str) -> Curve:
        """Read "0:1, 0.4:0.6, 1:0", "smooth 0:0, 1:1" or a preset name; empty text is the constant 1."""
        wanted = text.strip().lower()
        wanted = PRESETS.get(wanted, wanted) or PRESETS["constant"]
        smooth = wanted.startswith(_SMOOTH)
        pairs = wanted.removeprefix(_SMOOTH).replace("\n", ",").split(",")
        points = tuple(sorted(_point(pair, text) for pair in pairs if pair.strip()))
        return Curve(points, "monotone_cubic" if smooth else "linear")

    @staticmethod
    def from_widget(curve: CurveInput) -> Curve:
        """Read the object that the host's curve widget gives."""
        points = tuple((float(x), float(y)) for x, y in curve.points)
        from comfy_api.input import LinearCurve  # there whenever such an object is; older hosts have none

        return Curve(points, "linear" if isinstance(curve, LinearCurve) else "monotone_cubic")

    @staticmethod
    def read(schedule: Any) -> Curve:
        """Read whatever a `schedule` input may carry: text, nothing, a Curve, or the host's curve object."""
        if isinstance(schedule, Curve):
            return schedule
        if schedule is None or isinstance(schedule, str):
            return Curve.from_text(schedule or "")
        if hasattr(schedule, "points") and hasattr(schedule, "interp"):
            return Curve.from_widget(schedule)
        raise ValueError(f"schedule: a text or a curve is wanted, not {type(schedule).__name__}. {_HELP}")


def _point(pair: str, text: str) -> tuple[float, float]:
    try:
        progress, factor = (float(number) for number in pair.split(":"))
    except ValueError:
        raise ValueError(f'schedule: "{pair.strip()}" in "{text}" is not a point. {_HELP}') from None
    return progress, factor


def _check_points(points: tuple[tuple[float, float], ...]) -> None:
    if not points:
        raise ValueError(f"schedule: it has no points. {_HELP}")
    for progress, factor in points:
        if not (math.isfinite(progress) and 0.0 <= progress <= 1.0):
            raise ValueError(f"schedule: progress {progress:g} lies outside 0 to 1. {_HELP}")
        if not (math.isfinite(factor) and 0.0 <= factor <= _MAXIMUM):
            raise ValueError(f"schedule: weight {factor:g} lies outside 0 to {_MAXIMUM:g}. {_HELP}")
    stations = [progress for progress, _ in points]
    if len(set(stations)) != len(stations):
        raise ValueError(f"schedule: two points stand at the same progress. {_HELP}")


CONSTANT = Curve(((0.0, 1.0),))


def drawn(text: str) -> dict[str, list[float] | list[str]]:
    """For a drawing of a schedule's text: its factors at even stations from the first step to the last, and all presets.

    ValueError, naming what is wrong, for a text that makes no curve.
    """
    curve = Curve.from_text(text)
    return {"values": [curve.value(i / (_STATIONS - 1)) for i in range(_STATIONS)], "presets": list(PRESETS)}
