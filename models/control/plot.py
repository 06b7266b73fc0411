"""Drawing a timeline: the weight of every signal at every step of the sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.images.canvas import COLOURS, FAINT, INK, Page
from ..guidance.progress import step_sigmas
from .savings import Savings
from .stack import ControlStack
from .timeline import Row, Timeline, described, timeline

WIDTH, PLOT_HEIGHT, LEGEND_LINE = 1200, 560, 30
SUM = (110, 116, 128)
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 32, 64, 92

_ROUND = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True)
class Seen:
    """What a signal's adherence was seen to be while it was sampled: (step from 0, relative adherence), and what was wanted."""

    looks: tuple[tuple[int, float], ...]
    wanted: float


@dataclass(frozen=True)
class _Frame:
    """Where steps and weights lie on the page, in pixels before supersampling."""

    steps: int
    top_weight: float

    def x(self, index: float) -> float:
        """Left edge of a step; the last edge is that of step number `steps`."""
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * index / self.steps

    def y(self, weight: float) -> float:
        return _TOP + (PLOT_HEIGHT - _TOP - _BOTTOM) * (1 - weight / self.top_weight)


def plotted(line: Timeline, seen: Sequence[Seen] = ()) -> torch.Tensor:
    """An IMAGE [1,H,1200,3] of a timeline. Each signal is a staircase: its weight holds for the whole of a step.

    seen: of each signal, drawn as dots on the same axis, with a dashed line at what was wanted.
    """
    entries = _legend(line, seen)
    page = Page(WIDTH, PLOT_HEIGHT + LEGEND_LINE * len(entries) + 20)
    page.text(_LEFT, 22, "Control weight at each step of the sampler", 20)
    if not line.steps:
        page.text(_LEFT, _TOP + 40, "The sampler takes no steps.")
        return page.finished()
    highest = max([*_sums(line, seen), line.budget or 0.0, 0.5, *(1.0 for _ in seen)])
    frame = _Frame(len(line.steps), highest * 1.08)
    _axes(page, frame, line)
    if len(line.rows) > 1 and not seen:
        _staircase(page, frame, line.totals, SUM, 1.5, 0.0)
    if line.budget is not None:
        page.dashes((frame.x(0), frame.y(line.budget)), (frame.x(frame.steps), frame.y(line.budget)), (200, 40, 40))
        page.text(frame.x(frame.steps), frame.y(line.budget) - 4, f"budget {line.budget:g}", 13, (200, 40, 40), "rd")
    for number, row in enumerate(line.rows):
        _staircase(page, frame, row.weights, _colour(number), 3.0, _offset(number, line.rows))
    for number, one in enumerate(seen):
        _adherence(page, frame, one, _colour(number))
    for index, (colour, words) in enumerate(entries):
        y = PLOT_HEIGHT + LEGEND_LINE * index
        page.line([(_LEFT, y + 10), (_LEFT + 36, y + 10)], colour, 4 if colour != SUM else 1.5)
        page.text(_LEFT + 50, y, words)
    return page.finished()


def _colour(number: int) -> tuple[int, int, int]:
    return COLOURS[number % len(COLOURS)]


def _offset(number: int, rows: tuple[Row, ...]) -> float:
    """Pixels by which a staircase is lowered or raised where others lie in the same place, so that none hides another."""
    same = [other for other, row in enumerate(rows) if row.weights == rows[number].weights]
    return (same.index(number) - (len(same) - 1) / 2) * 4 if len(same) > 1 else 0.0


def _axes(page: Page, frame: _Frame, line: Timeline) -> None:
    step = next((one for one in _ROUND if frame.top_weight / one <= 6), 200.0)
    for count in range(int(frame.top_weight / step) + 1):
        y = frame.y(count * step)
        page.line([(frame.x(0), y), (frame.x(frame.steps), y)], FAINT if count else INK, 1)
        page.text(frame.x(0) - 10, y, f"{count * step:g}", 14, anchor="rm")
    page.text(16, _TOP - 28, "weight", 14, SUM)
    every = max(1, -(-frame.steps // 16))
    base = frame.y(0)
    for index, step_ in enumerate(line.steps):
        page.line([(frame.x(index), base), (frame.x(index), base + 5)], INK, 1)
        if index % every == 0:
            middle = (frame.x(index) + frame.x(index + 1)) / 2
            page.text(middle, base + 10, str(index + 1), 14, anchor="ma")
            page.text(middle, base + 30, f"{step_.sigma:.3g}", 12, SUM, "ma")
            page.text(middle, base + 47, f"{step_.progress:.0%}", 12, SUM, "ma")
    for y, words in ((10, "step"), (30, "sigma"), (47, "progress")):
        page.text(12, base + y, words, 12, SUM)


def _staircase(page: Page, frame: _Frame, weights: tuple[float, ...], colour: Any, width: float, offset: float) -> None:
    points: list[tuple[float, float]] = []
    for index, weight in enumerate([*weights, 0.0]):  # steps without weight are left out: they would only hide the axis
        x, y = frame.x(index), frame.y(weight) + offset
        if weight > 0:
            points += [(x, y), (frame.x(index + 1), y)]
        elif points:
            page.line(points if index == frame.steps else [*points, (x, frame.y(0))], colour, width)
            points = []
    if width > 2 and frame.steps <= 60:
        for index, weight in enumerate(weights):
            if weight > 0:
                page.dot((frame.x(index) + frame.x(index + 1)) / 2, frame.y(weight) + offset, colour)


def _sums(line: Timeline, seen: Sequence[Seen]) -> Sequence[float]:
    """What the axis must have room for: the sum, where it is drawn, else each weight."""
    return [weight for row in line.rows for weight in row.weights] if seen else line.totals


def _adherence(page: Page, frame: _Frame, seen: Seen, colour: Any) -> None:
    wanted = frame.y(seen.wanted)
    page.dashes((frame.x(0), wanted), (frame.x(frame.steps), wanted), colour, 1)
    places = [(frame.x(step + 0.5), frame.y(max(value, 0.0))) for step, value in seen.looks]
    if len(places) > 1:
        page.line(places, colour, 1)
    for x, y in places:
        page.dot(x, y, colour, 7)


def _legend(line: Timeline, seen: Sequence[Seen]) -> list[tuple[Any, str]]:
    entries: list[tuple[Any, str]] = []
    for number, row in enumerate(line.rows):
        notes = f" ({', '.join(row.notes)})" if row.notes else ""
        dots = f"; dots: adherence, dashed: {seen[number].wanted:g} wanted" if seen else ""
        entries.append((_colour(number), f"{row.label}{notes}: {row.steps_in_words}{dots}"))
    if len(line.rows) > 1 and not seen:
        entries.append((SUM, "sum of the weights"))
    return entries + [(FAINT, _shortened(words)) for words in line.left_out]


def _shortened(words: str, length: int = 120) -> str:
    return words if len(words) <= length else f"{words[: length - 3]}..."


# The plot of a stack and its table, for the node that draws them.


def plot_and_table(
    stack: ControlStack, model: Any, scheduler: str, steps: int, denoise: float, sigmas: Any, savings: Savings
) -> tuple[torch.Tensor, str]:
    """IMAGE [1,H,W,3] and a text: the weight of each signal at each step of the sampler."""
    line = timeline(
        stack,
        step_sigmas(model, scheduler, steps, denoise, sigmas),
        model.get_model_object("model_sampling"),
        savings,
    )
    return plotted(line), described(line)
