"""Rows from a CSV file, a JSON Lines file, or a folder of pictures, and their products with lists of values."""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ...common.whole_file import check_file
from ..errors import BatchError
from .job import Request

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
MOST_CHARACTERS = 1_000_000  # of one cell; beyond that it is a file that lost a quotation mark
LONGEST_LINE = 16 * MOST_CHARACTERS


@dataclass(frozen=True)
class Row:
    """One row as it was read. `where` names it to a person ('rooms.csv, line 4'); `problem` is set when it is broken."""

    where: str
    values: Mapping[str, Any]
    problem: str = ""


def read_rows(source: Path, picture_column: str = "") -> Iterator[Row]:
    """The rows of `source` in their order; empty cells and nulls are left out.

    A folder gives a row for each of its pictures, sorted by name, with the file's name in `picture_column`.
    Raises BatchError for a source that cannot be read at all; a broken row is given with its `problem`.
    """
    if not source.exists():
        raise BatchError(f"{source}: there is no such file or folder. Give a .csv, a .jsonl or a folder of pictures.")
    if source.is_dir():
        yield from _folder(source, picture_column)
    elif source.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_lines(source)
    elif source.suffix.lower() in (".csv", ".tsv", ".txt"):
        yield from _csv(source)
    else:
        raise BatchError(f"{source}: rows come from a .csv file, a .jsonl file or a folder of pictures.")


def picture_files(folder: Path) -> list[Path]:
    """The picture files that lie directly in a folder, sorted by name. Raises BatchError when it, or a name, cannot be read."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())
        "".join(path.name for path in found).encode()
    except OSError as error:
        raise BatchError(f"{folder}: {error.strerror}. Give a folder that can be read.") from None
    except UnicodeEncodeError:
        raise BatchError(
            f"{folder}: the name of a picture in it is no UTF-8 text, so no row can hold it. Rename it."
        ) from None
    return found


def _folder(folder: Path, column: str) -> Iterator[Row]:
    if not column:
        raise BatchError(
            f"{folder} is a folder of pictures, and the graph has not exactly one node that loads a picture: say which "
            "input takes them with --picture 'TITLE.image'."
        )
    for path in picture_files(folder):
        yield Row(str(path), {column: path.name})


def _csv(source: Path) -> Iterator[Row]:
    csv.field_size_limit(MOST_CHARACTERS)
    begun = 1  # the line in which the present row began
    try:
        check_file(source)
        _refuse_workbook(source)
        with source.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline(LONGEST_LINE)
            told = SEPARATOR.match(first)  # Excel's own line, which says what stands between the cells
            skipped = 1 if told else 0
            if not told:
                stream.seek(0)
            reader = csv.reader(
                _lines(source, stream), delimiter=told[1] if told else max(",;\t", key=first.count), strict=True
            )
            begun += skipped
            header = [name.strip() for name in next(reader, [])]
            _check_header(source, header)
            begun = reader.line_num + skipped + 1
            for cells in reader:
                if any(cells):
                    last = reader.line_num + skipped
                    yield _csv_row(f"{source.name}, line {begun}" + f" to {last}" * (last > begun), header, cells)
                begun = reader.line_num + skipped + 1
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, error) from None
    except csv.Error as error:
        raise _unreadable_row(source, begun, error) from None


SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
WORKBOOKS = {b"PK\x03\x04": "an Excel or OpenDocument workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}


def _refuse_workbook(source: Path) -> None:
    with source.open("rb") as stream:
        start = stream.read(4)
    if start in WORKBOOKS:
        raise BatchError(
            f"{source} is {WORKBOOKS[start]} under the name of a text file. Open it in its program and save it as 'CSV UTF-8'."
        )


def _unreadable_row(source: Path, line: int, error: csv.Error) -> BatchError:
    text = str(error)
    if "unexpected end of data" in text or "field larger" in text:
        return BatchError(
            f"{source}, line {line}: a quotation mark in this row is never closed, so the rest of the file is one cell. "
            'Close it, or write "" for a quotation mark inside a cell.'
        )
    if "expected after" in text:
        return BatchError(
            f"{source}: a quotation mark in the row that begins in line {line} is opened or closed in a wrong place. Close it, "
            'or write "" for a quotation mark inside a cell.'
        )
    return BatchError(f"{source}, line {line} cannot be read: {text}.")


def _check_header(source: Path, header: list[str]) -> None:
    if not any(header):
        raise BatchError(f"{source} has no header line. Its first line names the inputs, such as Sampler.seed.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BatchError(f"{source}: the column '{twice[0]}' is there twice. Give each column a name of its own.")


def _csv_row(where: str, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        problem = f"has {len(cells)} cells, but the header names {len(header)} columns; is a quotation mark missing?"
        return Row(where, {}, problem)
    return Row(where, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""})


def _json_lines(source: Path) -> Iterator[Row]:
    try:
        check_file(source)
        with source.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(_lines(source, stream), 1):
                if line.strip():
                    yield _json_row(f"{source.name}, line {number}", line)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, error) from None


def _lines(source: Path, stream: TextIO) -> Iterator[str]:
    """The lines of a text, each of which fits into memory. Raises BatchError for a file that is of one line, or of none."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise BatchError(f"{source}: line {number} has more than {LONGEST_LINE:,} characters, which no row has.")
        yield line


def _json_row(where: str, line: str) -> Row:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return Row(where, {}, 'is not JSON; each line holds one object such as {"Sampler.seed": 1}')
    if not isinstance(data, dict):
        return Row(where, {}, 'is not a JSON object; each line holds one such as {"Sampler.seed": 1}')
    return Row(where, {name: value for name, value in data.items() if value is not None})


def _unreadable(source: Path, error: Exception) -> BatchError:
    if isinstance(error, UnicodeDecodeError):
        return BatchError(f"{source} is not UTF-8 text. Save it as 'CSV UTF-8'.")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return BatchError(f"{source} cannot be read: {reason}.")


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


def requested_rows(request: Request, picture: str) -> list[Row]:
    """All rows of a batch. picture: the input that takes a folder's pictures. Raises BatchError when there are none."""
    lists = [parse_vary(text, request.folder) for text in request.vary]
    if request.source is None and not lists:
        raise BatchError("There are no rows: give ROWS, or --vary COLUMN=VALUES.")
    first = read_rows(request.source, picture) if request.source else [Row("--vary", {})]
    rows = list(multiply(first, lists))
    if not rows:
        raise BatchError(f"{request.source or 'The list'} has no rows.")
    return rows
