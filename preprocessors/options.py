"""Filling in and checking the options of a method, wherever they came from: widgets, API prompts, scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .entry import Option, Options, Preprocessor
from .images.checks import check_choice, check_range


def resolved_options(entry: Preprocessor, given: Options) -> dict[str, Any]:
    """The options of a method; see `resolved`."""
    return resolved(entry.title, entry.options, given)


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
