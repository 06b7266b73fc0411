"""From what a cell says to what an input takes."""

import math
from difflib import get_close_matches
from typing import Any

from .columns import Column
from .errors import RowProblem

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
WORDS = {"INT": "a whole number", "FLOAT": "a number", "BOOLEAN": "true or false", "STRING": "text"}


def convert(column: Column, value: Any) -> Any:
    """The value as `column` takes it; texts of a CSV become numbers where numbers are wanted. Raises RowProblem."""
    if isinstance(value, list | dict):
        raise RowProblem(f"'{column.name}' is a {'list' if isinstance(value, list) else 'object'}; give a plain value")
    if column.type in ("INT", "FLOAT"):
        return _in_range(column, _number(column, value))
    if column.type == "BOOLEAN":
        return _boolean(column, value)
    if column.type == "COMBO":
        return _choice(column, value)
    if column.type == "STRING" and not isinstance(value, str):
        raise _wrong(column, value)
    return value


def _number(column: Column, value: Any) -> int | float:
    if isinstance(value, bool):
        raise _wrong(column, value)
    try:
        if column.type == "FLOAT":
            return float(value.strip().replace(",", ".") if isinstance(value, str) else value)
        if isinstance(value, float) and not value.is_integer():
            raise ValueError
        return int(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        raise _wrong(column, value) from None


def _in_range(column: Column, number: int | float) -> int | float:
    if isinstance(number, float) and not math.isfinite(number):
        raise _wrong(column, number)
    low, high = column.least, column.most
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"from {low:g}" * (low is not None) + f" to {high:g}" * (high is not None)
        raise RowProblem(f"'{column.name}' is {number}; it must be a number {limits.strip()}")
    return number


def _boolean(column: Column, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE + FALSE:
        raise _wrong(column, value)
    return text in TRUE


def _choice(column: Column, value: Any) -> Any:
    if column.choices and str(value) not in column.choices:
        close = get_close_matches(str(value), column.choices, 3)
        known = close or column.choices[:8]
        raise RowProblem(
            f"'{column.name}' is {str(value)[:80]!r}, which the server does not offer; "
            f"{'did you mean' if close else 'it offers'} {', '.join(known)}{'?' if close else ''}"
        )
    return value


def _wrong(column: Column, value: Any) -> RowProblem:
    return RowProblem(f"'{column.name}' is {str(value)[:80]!r}; it takes {WORDS[column.type]}")
