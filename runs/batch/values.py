"""From what a cell says to what an input takes."""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import BatchError, RowProblem
from .columns import Column
from .rows import Row, picture_files

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


# Products: every row with every value of a list, such as prompts x pictures x seeds.

RANGE = re.compile(r"(-?\d{1,20})\.\.(-?\d{1,20})")
MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class Vary:
    """One list of a product: the values that `column` takes in turn."""

    column: str
    values: tuple[str, ...]


def parse_vary(text: str, folder: Path) -> Vary:
    """Reads 'Sampler.seed=1..4', 'Prompt.text=prompts.txt' (a value a line), 'Picture.image=photos' or 'A.b=x,y'.

    Files and folders are looked up in `folder` and must lie in it. Raises BatchError.
    """
    column, sign, values = (part.strip() for part in text.partition("="))
    if not sign or not column or not values:
        raise BatchError(f"--vary {text}: write it as COLUMN=VALUES, for example Sampler.seed=1..4.")
    found = _range(values) or _from_disk(values, folder) or [one.strip() for one in values.split(",")]
    return Vary(column, tuple(one for one in found if one))


def multiply(rows: Iterable[Row], lists: Sequence[Vary]) -> Iterator[Row]:
    """Every row with every combination of the lists, the last list changing fastest. A broken row stays one."""
    for row in rows:
        if row.problem:
            yield row
            continue
        for values in itertools.product(*(one.values for one in lists)):
            extra = dict(zip((one.column for one in lists), values, strict=True))
            yield Row(row.where, {**row.values, **extra})


def _range(text: str) -> list[str]:
    match = RANGE.fullmatch(text)
    if match is None:
        return []
    first, last = int(match[1]), int(match[2])
    if not 0 <= last - first < MOST_VALUES:
        raise BatchError(f"--vary: {text} must count upwards, over at most {MOST_VALUES} values.")
    return [str(number) for number in range(first, last + 1)]


def _from_disk(text: str, folder: Path) -> list[str]:
    path = (folder / text).resolve()
    if not path.exists():
        if path.suffix == ".txt":
            raise BatchError(f"--vary: there is no file {text} in {folder}.")
        return []
    root = folder.resolve()
    if not path.is_relative_to(root):
        raise BatchError(f"--vary: {text} lies outside {folder}. Only files in that folder are read.")
    if path.is_dir():
        return [str(picture.relative_to(root)) for picture in picture_files(path)]
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise BatchError(f"--vary: {text} cannot be read as UTF-8 text, a value a line.") from None
