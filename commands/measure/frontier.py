"""What savings gain in time and cost in obedience: numbers, a table, a drawing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from .results import GIVEN, Estimate, Outcome, estimate, estimate_text
from .savings import NONE, SAVINGS, Way

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Point:
    """One way of drawing, over the pictures.

    score: mean over the signals of how well the picture follows the map. lost: score of the same pictures at the same steps
    and sampler with nothing left out, less this; seconds: the server's median for a whole run, and what share that is of the
    run with nothing left out, picture by picture. is_best: whether no other is at once as fast and as obedient.
    """

    way: Way
    pictures: int
    score: Estimate
    lost: Estimate | None
    seconds: float | None
    share: float | None
    is_best: bool = False


Drawn = dict[str, tuple[float, float | None]]  # score and seconds, by picture


def points(wanted: Sequence[Way], done: Sequence[Outcome]) -> list[Point]:
    """Those that came out, in the order of `wanted`."""
    drawn: dict[str, Drawn] = {}
    for one in done:
        scores = [reading.score for (_, against), reading in one.readings.items() if against == GIVEN]
        if scores:
            drawn.setdefault(one.case.way, {})[one.case.picture] = (statistics.fmean(scores), one.seconds)
    found = [
        _point(way, drawn[way.name], drawn.get(replace(way, saving=NONE).name, {}))
        for way in wanted
        if way.name in drawn
    ]
    return [replace(one, is_best=not any(_beats(other, one) for other in found)) for one in found]


def _point(way: Way, some: Drawn, whole: Drawn) -> Point:
    both = [(*whole[picture], *one) for picture, one in some.items() if picture in whole]
    lost = [before - score for before, _, score, _ in both]
    seconds = [time for _, time in some.values() if time is not None]
    shares = [time / before for _, before, _, time in both if before and time is not None]
    return Point(
        way,
        len(some),
        estimate([score for score, _ in some.values()]),
        estimate(lost) if lost and way.saving != NONE else None,
        statistics.median(seconds) if seconds else None,
        statistics.median(shares) if shares else None,
    )


def _beats(other: Point, one: Point) -> bool:
    if other.seconds is None or one.seconds is None:
        return False
    mine, theirs = (one.seconds, -one.score[0]), (other.seconds, -other.score[0])
    return theirs != mine and theirs[0] <= mine[0] and theirs[1] <= mine[1]


def as_rows(found: Sequence[Point]) -> list[dict[str, Any]]:
    """Plain values."""
    plain = [asdict(one) for one in found]
    return [{**one.pop("way"), **one} for one in plain]


def table_lines(found: Sequence[Point]) -> list[str]:
    """The table of a Markdown page."""
    lines = ["| sampling | left out | pictures | score | lost | seconds | share of the time |", "|---" * 7 + "|"]
    for one in found:
        mark = " *" if one.is_best else ""
        cells = [
            one.way.setting,
            one.way.saving + mark,
            str(one.pictures),
            estimate_text(one.score),
            estimate_text(one.lost),
        ]
        cells += ["" if value is None else f"{value:.2f}" for value in (one.seconds, one.share)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


# The drawing.

_SIZE, _LEFT, _RIGHT, _TOP, _BOTTOM = (980, 560), 74, 760, 56, 500


def plotted(found: Sequence[Point]) -> torch.Tensor:
    """IMAGE [1,560,980,3]: obedience over time, one colour for each of the savings, a line along the best."""
    from ...preprocessors.images.canvas import COLOURS, FAINT, INK, Page

    page = Page(*_SIZE)
    page.text(_LEFT, 16, "How well pictures follow their maps, over seconds of a run", 18)
    timed = [(one, one.seconds) for one in found if one.seconds is not None]
    most = max((seconds for _, seconds in timed), default=1.0) * 1.08
    scores = [one.score[0] + side * (one.score[1] or 0.0) for one, _ in timed for side in (-1, 1)]
    low, high = min(scores, default=0.0) - 0.02, max(scores, default=1.0) + 0.02

    def place(seconds: float, score: float) -> tuple[float, float]:
        return (
            _LEFT + seconds / most * (_RIGHT - _LEFT),
            _BOTTOM - (score - low) / (high - low) * (_BOTTOM - _TOP),
        )

    for part in range(5):
        score, seconds = low + (high - low) * part / 4, most * part / 4
        page.line([place(0, score), place(most, score)], FAINT if part else INK)
        page.text(_LEFT - 8, place(0, score)[1], f"{score:.2f}", 13, anchor="rm")
        page.text(place(seconds, low)[0], _BOTTOM + 10, f"{seconds:.2g}", 13, anchor="ma")
    best = sorted((seconds, one.score[0]) for one, seconds in timed if one.is_best)
    if len(best) > 1:
        page.line([place(*point) for point in best], INK, 1)
    colours = dict(zip(SAVINGS, COLOURS, strict=False))
    settings = list(dict.fromkeys(one.way.setting for one, _ in timed))
    for one, seconds in timed:
        x, y = place(seconds, one.score[0])
        error = one.score[1] or 0.0
        page.line([place(seconds, one.score[0] - error), place(seconds, one.score[0] + error)], colours[one.way.saving])
        page.dot(x, y, colours[one.way.saving], 6)
        if len(settings) > 1:
            page.text(x + 8, y - 8, str(1 + settings.index(one.way.setting)), 11)
    for number, saving in enumerate(colours):
        y = _TOP + 20 + 26 * number
        page.dot(_RIGHT + 30, y, colours[saving], 6)
        page.text(_RIGHT + 44, y, saving, 14, anchor="lm")
    for number, setting in enumerate(settings if len(settings) > 1 else ()):
        page.text(_RIGHT + 24, _TOP + 200 + 22 * number, f"{number + 1}  {setting}", 13, anchor="lm")
    return page.finished()
