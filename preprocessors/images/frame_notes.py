"""What a method noted of the frames of a batch, summed up: one line for each thing, however long the clip."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .frame_numbers import in_ranges

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_MOST_VARIANTS = 4  # of one sentence, which then stand by themselves with their frames


def summed_up(notes: Mapping[str, Iterable[int]], count: int) -> tuple[str, ...]:
    """notes: each sentence with the frames, of `count`, that it is about. Sentences that differ in their numbers alone are told
    one by one as long as there are few, and else as one with the range of each number.
    """
    alike: dict[str, dict[str, list[int]]] = {}
    for note, frames in notes.items():
        alike.setdefault(_NUMBER.sub("#", note), {})[note] = sorted(frames)
    told: list[str] = []
    for variants in alike.values():
        if len(variants) > _MOST_VARIANTS:
            told.append(_with_ranges(variants, count))
        else:
            told.extend(_with_frames(note, frames, count) for note, frames in variants.items())
    return tuple(told)


def _with_frames(note: str, frames: list[int], count: int) -> str:
    return note if len(frames) == count else f"{note} ({in_ranges(frames, 'frame').capitalize()}.)"


def _with_ranges(variants: dict[str, list[int]], count: int) -> str:
    columns = zip(*(_NUMBER.findall(note) for note in variants), strict=True)
    ranges = iter([_range(numbers) for numbers in columns])
    frames = sorted(frame for of in variants.values() for frame in of)
    return _with_frames(_NUMBER.sub(lambda _: next(ranges), next(iter(variants))), frames, count)


def _range(numbers: Iterable[str]) -> str:
    ordered = sorted(set(numbers), key=float)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
