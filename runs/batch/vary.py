"""Products: every row with every value of a list, such as prompts x pictures x seeds."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BatchError
from .rows import Row, picture_files

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
