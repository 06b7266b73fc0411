"""A weight over the sampling progress: the one curve type for every scheduled signal.

Text and the host's curve widget give equal curves, interpolated alike, so that what the widget draws is what acts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .interpolation import interpolated

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
