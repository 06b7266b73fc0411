"""Drawing `training.comparison`: error on held-out scenes over steps, and what a step costs."""

from __future__ import annotations

from typing import Any

import torch

from ....preprocessors.images.canvas import COLOURS, FAINT, INK, Page
from ..training.comparison import NOTHING

_SIZE, _LEFT, _TOP, _BOTTOM, _MIDDLE, _BARS = (1200, 470), 84, 64, 400, 700, 820
_GRAY = (110, 116, 128)


def plotted(results: dict[str, Any]) -> torch.Tensor:
    """An IMAGE [1,470,1200,3] of what `compare` returned."""
    page = Page(*_SIZE)
    ways = list(results["seconds_per_step"])
    _curves(page, results, ways)
    _bars(page, results["seconds_per_step"], results["seconds_per_prediction"], ways)
    return page.finished()


def _curves(page: Page, results: dict[str, Any], ways: list[str]) -> None:
    page.text(_LEFT, 22, "Error on held-out scenes over training steps", 18)
    steps, without = results["steps"], results["error"][NOTHING][0]
    values = [value for way in ways for value in results["error"][way][1:]]
    high, low = max(without, *values) * 1.01, min(values) * 0.99

    def place(step: float, value: float) -> tuple[float, float]:
        across = step / steps[-1] * (_MIDDLE - _LEFT)
        return _LEFT + across, _BOTTOM - (min(value, high) - low) / (high - low) * (_BOTTOM - _TOP)

    for share in range(5):
        value = low + (high - low) * share / 4
        page.line([place(0, value), place(steps[-1], value)], FAINT if share else INK)
        page.text(_LEFT - 10, place(0, value)[1], f"{value:.4f}", 13, anchor="rm")
    for share in range(5):
        step = steps[-1] * share // 4
        page.text(place(step, low)[0], _BOTTOM + 10, str(step), 13, anchor="ma")
    page.dashes(place(0, without), place(steps[-1], without), _GRAY)
    page.text(place(steps[-1], without)[0], place(0, without)[1] + 4, NOTHING, 13, _GRAY, "ra")
    for number, way in enumerate(ways):
        page.line([place(*point) for point in zip(steps, results["error"][way], strict=True)], COLOURS[number], 2.5)
        page.line([(_LEFT + 190 * number, 446), (_LEFT + 190 * number + 24, 446)], COLOURS[number], 4)
        page.text(_LEFT + 190 * number + 32, 446, way, 14, anchor="lm")


def _bars(page: Page, training: dict[str, float], predicting: dict[str, float], ways: list[str]) -> None:
    page.text(_BARS - 40, 22, "Seconds of one core per batch", 18)
    height = (_BOTTOM - _TOP) / (1.1 * max(training.values()))
    for group, (label, seconds) in enumerate((("training step", training), ("prediction", predicting))):
        left = _BARS + 190 * group
        for number, way in enumerate(ways):
            x = left + 50 * number
            page.line([(x, _BOTTOM), (x, _BOTTOM - seconds[way] * height)], COLOURS[number], 36)
            page.text(x, _BOTTOM - seconds[way] * height - 4, f"{seconds[way]:.2f}", 13, anchor="md")
        page.text(left + 50, _BOTTOM + 10, label, 14, anchor="ma")
    page.line([(_BARS - 40, _BOTTOM), (_SIZE[0] - 24, _BOTTOM)], INK)
