"""From the rows that came out to the numbers of the table."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...runs.answers import as_list, as_number, as_object, as_text
from .graph import Measured, Signal
from .ways import OFF, TOGETHER, WRONG, Case

_LONGEST = 100  # letters of a name
_LARGEST = 1e9
Estimate = tuple[float, float | None]  # mean and standard error, which one value has not
GIVEN, OWN = "the map it got", "its own picture's map"


@dataclass(frozen=True)
class Reading:
    """How well one picture follows one map. score: the measure itself; chance: against shuffled maps; relative: 0 is chance and
    1 the source picture, None where that cannot be told.
    """

    score: float
    chance: float
    relative: float | None
    measure: str
    details: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """A row that came out. server: its address; picture: the file, inside the folder of the rows. readings: by signal and by
    which map it is measured against (GIVEN, OWN).
    """

    case: Case
    seconds: float | None
    server: str
    picture: str
    readings: Mapping[tuple[str, str], Reading]


@dataclass(frozen=True)
class Line:
    """One line of the table: a signal in one way, over the pictures. over_off: over the same pictures without control."""

    signal: str
    way: str
    against: str
    measure: str
    pictures: int
    score: Estimate
    chance: Estimate
    gain: Estimate
    relative: Estimate | None
    over_off: Estimate | None
    seconds: float | None
    details: Mapping[str, float]


def outcomes(measured: Measured, rows: Sequence[Case], summary: Mapping[str, Any]) -> list[Outcome]:
    """Of what `batch` wrote of its rows, those that came out; rows are numbered as they were written, from 1."""
    done = []
    for row in summary["rows"]:
        if row["state"] == "done" and row["pictures"]:
            readings = {
                (signal.node, against): found
                for signal in measured.signals
                for against, node in ((GIVEN, signal.given), (OWN, signal.own))
                if (found := _reading(row["texts"].get(node))) is not None
            }
            done.append(Outcome(rows[row["row"] - 1], row["seconds"], row["server"], row["pictures"][0], readings))
    return done


def _reading(texts: Sequence[str] | None) -> Reading | None:
    """What Control Adherence told; None where it did not, or what came is nothing of the kind, whatever server said it."""
    try:
        told = json.loads(texts[0]) if texts else None
    except (ValueError, RecursionError):
        return None
    told = as_object(told)
    pictures = [as_object(one) for one in as_list(told.get("pictures"))]
    score, chances = _number(told.get("score")), [_number(one.get("chance")) for one in pictures]
    measure = as_text(told.get("measure"))
    if score is None or not chances or None in chances or not measure.isprintable() or not 0 < len(measure) < _LONGEST:
        return None
    chance = statistics.fmean(one for one in chances if one is not None)
    return Reading(score, chance, _number(told.get("relative")), measure, _details(pictures))


def _details(pictures: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The means of those that every picture has."""
    found: dict[str, list[float]] = {}
    for one in pictures:
        for name, value in as_object(one.get("details")).items():
            if (number := _number(value)) is not None and name.isprintable() and len(name) < _LONGEST:
                found.setdefault(name, []).append(number)
    return {name: statistics.fmean(values) for name, values in found.items() if len(values) == len(pictures)}


def _number(value: object) -> float | None:
    """A value that means can be made of."""
    number = as_number(value)
    return None if number is None or abs(number) > _LARGEST else float(number)


def table(measured: Measured, done: Sequence[Outcome]) -> list[Line]:
    """All lines, signal by signal."""
    lines = []
    for signal in measured.signals:
        off = {
            one.case.picture: one.readings[signal.node, OWN].score
            for one in done
            if one.case.way == OFF and (signal.node, OWN) in one.readings
        }
        for way, against in _ways(signal, done):
            some = [one for one in done if _shows(one.case, signal, way) and (signal.node, against) in one.readings]
            if some:
                lines.append(_line(signal, way, against, some, off))
    return lines


def _ways(signal: Signal, done: Sequence[Outcome]) -> list[tuple[str, str]]:
    ways = dict.fromkeys(one.case.way for one in done if one.case.signal in ("", signal.node))
    return [
        (way, against) for way in sorted(ways, key=_place) for against in ((GIVEN, OWN) if way == WRONG else (GIVEN,))
    ]


def _place(way: str) -> tuple[int, str]:
    order = {OFF: 0, WRONG: 2, TOGETHER: 3}
    return order.get(way, 1), way


def _shows(case: Case, signal: Signal, way: str) -> bool:
    return case.way == way and case.signal in ("", signal.node)


def _line(signal: Signal, way: str, against: str, some: Sequence[Outcome], off: Mapping[str, float]) -> Line:
    readings = [one.readings[signal.node, against] for one in some]
    relatives = [one.relative for one in readings if one.relative is not None]
    is_own = way != OFF and (way != WRONG or against == OWN)
    over = [
        reading.score - off[one.case.picture]
        for one, reading in zip(some, readings, strict=True)
        if is_own and one.case.picture in off
    ]
    seconds = [one.seconds for one in some if one.seconds is not None]
    names = readings[0].details
    return Line(
        signal.label,
        way,
        against,
        readings[0].measure,
        len(some),
        estimate([one.score for one in readings]),
        estimate([one.chance for one in readings]),
        estimate([one.score - one.chance for one in readings]),
        estimate(relatives) if relatives else None,
        estimate(over) if over else None,
        statistics.median(seconds) if seconds else None,
        {name: statistics.fmean(one.details[name] for one in readings if name in one.details) for name in names},
    )


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and standard error of one value or more."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return statistics.fmean(values), error


def estimate_text(value: Estimate | None) -> str:
    """For a person; "" for None."""
    if value is None:
        return ""
    mean, error = value
    return f"{mean:.3f}" if error is None else f"{mean:.3f} ± {error:.3f}"
