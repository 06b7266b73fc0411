"""Drawing `comparison`: error and edge F1 on held-out scenes over steps, and what a step costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ....preprocessors.images.canvas import COLOURS, FAINT, INK, Page
from .comparison import NOTHING

_SIZE, _TOP, _BOTTOM = (1500, 470), 64, 400
_CURVES, _WIDTH = (84, 644), 440  # left edges of the two plots
_BARS = 1180
_GRAY = (110, 116, 128)
Curve = list[tuple[int, float]]


def plotted(results: Mapping[str, Any]) -> torch.Tensor:
    """An IMAGE [1,470,1500,3] of what `compare` returned: the mean over the seeds, and the least and the most of them."""
    page = Page(*_SIZE)
    ways = list(results["seconds_per_step"])
    plots = (
        ("error", "Error on held-out scenes over training steps", "{:.4f}"),
        ("edge_f1", "Edge F1 of drawn scenes", "{:.2f}"),
    )
    for left, (name, title, form) in zip(_CURVES, plots, strict=True):
        curves = {way: _over_seeds([run[name][way] for run in results["runs"]]) for way in ways}
        _curves(page, left, title, form, curves, results[NOTHING][name])
    for number, way in enumerate(ways):
        page.line([(84 + 190 * number, 446), (84 + 190 * number + 24, 446)], COLOURS[number], 4)
        page.text(84 + 190 * number + 32, 446, way, 14, anchor="lm")
    _bars(page, results["seconds_per_step"], results["seconds_per_prediction"], ways)
    return page.finished()


def _over_seeds(runs: Sequence[Sequence[Sequence[float]]]) -> tuple[Curve, Curve, Curve]:
    """Mean, least and most at each step."""
    columns = [(int(points[0][0]), [value for _, value in points]) for points in zip(*runs, strict=True)]
    return (
        [(step, sum(values) / len(values)) for step, values in columns],
        [(step, min(values)) for step, values in columns],
        [(step, max(values)) for step, values in columns],
    )


def _curves(
    page: Page, left: int, title: str, form: str, curves: Mapping[str, tuple[Curve, Curve, Curve]], without: float
) -> None:
    page.text(left, 22, title, 18)
    values = [without, *(value for curve in curves.values() for line in curve for _, value in line)]
    high, low = max(values) * 1.01, min(values) * 0.99
    last = max(step for curve in curves.values() for step, _ in curve[0])

    def place(step: float, value: float) -> tuple[float, float]:
        return left + step / last * _WIDTH, _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    for share in range(5):
        value = low + (high - low) * share / 4
        page.line([place(0, value), place(last, value)], FAINT if share else INK)
        page.text(left - 10, place(0, value)[1], form.format(value), 13, anchor="rm")
        step = last * share // 4
        page.text(place(step, low)[0], _BOTTOM + 10, str(step), 13, anchor="ma")
    page.dashes(place(0, without), place(last, without), _GRAY)
    page.text(place(last, without)[0], place(0, without)[1] + 4, NOTHING, 13, _GRAY, "ra")
    for number, (mean, least, most) in enumerate(curves.values()):
        for (step, low_end), (_, high_end) in zip(least, most, strict=True):
            page.line([place(step, low_end), place(step, high_end)], COLOURS[number], 1)
        page.line([place(*point) for point in mean], COLOURS[number], 2.5)


def _bars(page: Page, training: dict[str, float], predicting: dict[str, float], ways: list[str]) -> None:
    page.text(_BARS - 10, 22, "Seconds of one core per batch", 18)
    height = (_BOTTOM - _TOP) / (1.1 * max(*training.values(), *predicting.values()))
    for group, (label, seconds) in enumerate((("training step", training), ("prediction", predicting))):
        left = _BARS + 20 + 160 * group
        for number, way in enumerate(ways):
            x = left + 34 * number
            page.line([(x, _BOTTOM), (x, _BOTTOM - seconds[way] * height)], COLOURS[number], 26)
            page.text(x, _BOTTOM - seconds[way] * height - 4, f"{seconds[way]:.2f}", 12, anchor="md")
        page.text(left + 51, _BOTTOM + 10, label, 14, anchor="ma")
    page.line([(_BARS - 10, _BOTTOM), (_SIZE[0] - 10, _BOTTOM)], INK)
