"""Filling in and checking the options of a method, wherever they came from: widgets, API prompts, scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .entry import Option, Options, Preprocessor
from .images.checks import check_choice, check_range


def resolved_options(entry: Preprocessor, given: Options) -> dict[str, Any]:
    """The options of a method; see `resolved`."""
    return resolved(entry.title, entry.options, {**given, **_shares(entry, given)})


def _shares(entry: Preprocessor, given: Options) -> dict[str, int]:
    """Thresholds on ComfyUI's scale as such of 255: shares, and beside one of them a 1, which is white there."""
    counting = {option.name for option in entry.options if _counts_to_255(option)}
    values: dict[str, Any] = {name: value for name, value in given.items() if name in counting}
    if not any(_is_share(value) for value in values.values()):
        return {}
    white = {name for name, value in values.items() if value == 1 and not isinstance(value, bool)}
    return {name: round(255 * value) for name, value in values.items() if name in white or _is_share(value)}


def told_options(entry: Preprocessor, given: Options) -> tuple[str, ...]:
    """What is told of thresholds that were meant on ComfyUI's scale, where 1 is white: shares are read as such of 255, and where
    all have become 0 or 1 (the host cuts a share that comes in as a whole number), that is said.
    """
    counting = [option for option in entry.options if _counts_to_255(option)]
    shares = _shares(entry, given)
    told = [
        f"{name} {given[name]:g} was read as a share of 255: {value}. "
        "The option counts from 0 to 255; ComfyUI's own node from 0 to 1."
        for name, value in shares.items()
    ]
    values = [given.get(option.name, option.default) for option in counting if not shares]
    if len(values) > 1 and all(isinstance(value, (int, float)) and value <= 1 for value in values):
        names = " and ".join(f"{option.name} {given[option.name]:g}" for option in counting)
        told.append(
            f"{names} find lines everywhere: these options count from 0 to 255. ComfyUI's own 0.4 and 0.8 are 100 and 200 here."
        )
    return tuple(told)


def _counts_to_255(option: Option) -> bool:
    return option.maximum == 255 and isinstance(option.default, int) and not isinstance(option.default, bool)


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def resolved(title: str, options: Sequence[Option], given: Options) -> dict[str, Any]:
    """Options with defaults where nothing (or None) was given; ValueError names an option that cannot be used.

    API prompts may leave options out, and the host then passes None for nested ones.
    """
    unknown = set(given) - {option.name for option in options}
    if unknown:
        known = ", ".join(option.name for option in options) or "none"
        raise ValueError(f"{title}: there is no option {', '.join(sorted(unknown))}. Its options are: {known}.")
    return {option.name: _value(title, option, given.get(option.name)) for option in options}


def _value(title: str, option: Option, value: Any) -> Any:
    if value is None:
        return option.default
    where = f"{title}, option {option.name}"
    if option.choices:
        check_choice(where, value, option.choices)
        return value
    if isinstance(option.default, (bool, str)):
        return type(option.default)(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{where}: a number is wanted, not {value!r}. The default is {option.default}.")
    if option.minimum is not None and option.maximum is not None:
        check_range(where, value, option.minimum, option.maximum)
    return type(option.default)(value)
