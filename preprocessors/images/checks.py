"""The checks that many inputs share, and the words that refuse a value: where, what came in, what may come in.

Free of torch, so that what is read without it (options, curves, frame weights) can be checked too. What a tensor must be to
be a picture or a mask stands in `tensors`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def check_choice(where: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError, listing the choices, unless `value` is one of them.

    >>> check_choice("Control signal, input fit", "tile", ("crop", "pad"))
    Traceback (most recent call last):
    ValueError: Control signal, input fit: "tile" is not one of crop, pad.
    """
    if value not in choices:
        raise ValueError(f'{where}: "{value}" is not one of {", ".join(choices)}.')


def check_name(where: str, name: str, names: Iterable[str]) -> None:
    """Raise ValueError, listing the names there are, unless `name` is one of them."""
    if name not in names:
        raise ValueError(f'{where}: there is no "{name}". There are: {", ".join(names)}.')


def check_range(where: str, value: float, low: float, high: float) -> None:
    """Raise ValueError unless low <= value <= high; NaN lies outside of every range."""
    if not low <= value <= high:
        raise ValueError(f"{where}: {value} lies outside {low:g} to {high:g}.")


def check_span(who: str, start: float, end: float) -> None:
    """Raise ValueError when a range of the sampling (shares of it, 0..1) ends before it starts."""
    if start > end:
        raise ValueError(
            f"{who}: it starts at {start:g} and ends at {end:g}, so it would never act. "
            "Set start_percent below end_percent."
        )


def check_type(where: str, value: Any, kind: type[T] | tuple[type[T], ...], wanted: str, advice: str = "") -> T:
    """Return `value` when it is a `kind`, else raise ValueError.

    wanted: the input's type with its verb, such as "FACE_EMBEDS are"; advice: what to do, as sentences.
    """
    if not isinstance(value, kind):
        raise ValueError(f"{where}: {wanted} wanted, not {type(value).__name__}.{advice and f' {advice}'}")
    return value


def slots_in_order(who: str, group: str, slot: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    """What is linked to the slots `slot`_0, `slot`_1, … of an input that grows, by number; ValueError for other names."""
    for name in slots:
        if not re.fullmatch(rf"{slot}_\d+", name):
            raise ValueError(
                f"{who}: there is no input {group}.{name}. The slots are {group}.{slot}_0, {group}.{slot}_1, …"
            )
    names = sorted(slots, key=lambda name: int(name.removeprefix(f"{slot}_")))
    return {name: slots[name] for name in names if slots[name] is not None}
