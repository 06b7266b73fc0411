"""The rows of a measurement: every picture without control, with each signal alone, with a wrong map, and as the graph says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_text
from ...runs.batch.adherence import LARGEST
from .graph import Measured

OFF, WRONG, TOGETHER = "off", "wrong map", "together"
WEIGHTS = (0.5, 1.0)


@dataclass(frozen=True)
class Case:
    """One row. way: OFF, a weight as text, WRONG or TOGETHER; signal: the node that acts alone, "" where none or all do.

    picture, map_of: names in the folder; values: of the graph's inputs.
    """

    picture: str
    map_of: str
    way: str
    signal: str
    name: str
    values: dict[str, Any]


def cases(measured: Measured, pictures: Sequence[str]) -> list[Case]:
    """Every row, picture by picture. A single picture has no other whose map would be the wrong one.

    All ways of a picture share their seeds; those of the next picture are higher by one, so that pictures are independent
    where they enter through their maps alone.
    """
    found: list[Case] = []
    for number, picture in enumerate(pictures):
        following = pictures[(number + 1) % len(pictures)]
        found += _of_picture(measured, picture, following, seeds_of(measured, number))
    return found


def seeds_of(measured: Measured, number: int) -> dict[str, int]:
    """The seeds of a picture by their places, pictures being counted from 0."""
    return {place: (seed + number) % LARGEST for place, seed in measured.seeds.items()}


def _of_picture(measured: Measured, picture: str, following: str, seeds: Mapping[str, int]) -> Iterator[Case]:
    signals = measured.signals
    right: dict[str, Any] = dict(seeds) | dict.fromkeys((measured.input, *(one.picture for one in signals)), picture)
    off = {f"{one.node}.weight": 0.0 for one in signals}
    stem = Path(picture).stem
    yield Case(picture, picture, OFF, "", f"{stem} {OFF}", right | off)
    for one in signals:
        for weight in WEIGHTS:
            values = right | off | {f"{one.node}.weight": weight}
            yield Case(picture, picture, f"{weight:g}", one.node, f"{stem} {one.label} {weight:g}", values)
        if following != picture:
            values = right | off | {f"{one.node}.weight": 1.0, one.picture: following}
            yield Case(picture, following, WRONG, one.node, f"{stem} {one.label} {WRONG}", values)
    if len(signals) > 1:
        yield Case(picture, picture, TOGETHER, "", f"{stem} {TOGETHER}", right)


def write_rows(path: Path, rows: Sequence[Case]) -> None:
    """As `batch` reads them: JSON Lines. Raises OSError."""
    lines = [json.dumps({"name": row.name, **row.values}, ensure_ascii=False) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
