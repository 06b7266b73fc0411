"""Runs that were sent together: each tells which one of how many it is."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

MOST_RUNS = 64  # of one batch
LONGEST_LABEL = 120  # characters

_ID = re.compile(r"[0-9a-f]{16}")


def batch_of(told: object) -> dict[str, Any] | None:
    """`id` of the batch, `number` of the run in it, from 1, `of` how many, and its `label`; None for what is no such thing."""
    if not isinstance(told, dict):
        return None
    batch, number, of, label = (told.get(name) for name in ("id", "number", "of", "label"))
    if not isinstance(batch, str) or not _ID.fullmatch(batch) or not isinstance(label, str):
        return None
    if not _is_whole(number) or not _is_whole(of) or not 1 <= number <= of <= MOST_RUNS:
        return None
    return {"id": batch, "number": number, "of": of, "label": label[:LONGEST_LABEL]}


def rows_of_batch(rows: Sequence[Mapping[str, Any]], batch: str) -> list[Mapping[str, Any]]:
    """The rows of a batch, by number; of two with one number (an imported one beside its own) the first in `rows`."""
    found: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        told = row.get("batch")
        if told is not None and told["id"] == batch:
            found.setdefault(told["number"], row)
    return [found[number] for number in sorted(found)]


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
