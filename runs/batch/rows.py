"""Rows from a CSV file, a JSON Lines file, or a folder of pictures."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BatchError

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
MOST_CHARACTERS = 1_000_000  # of one cell; beyond that it is a file that lost a quotation mark


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
    """The picture files that lie directly in a folder, sorted by name. Raises BatchError when it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())
    except OSError as error:
        raise BatchError(f"{folder}: {error.strerror}. Give a folder that can be read.") from None


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
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(source, header)
            for cells in reader:
                if any(cells):
                    yield _csv_row(f"{source.name}, line {reader.line_num}", header, cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(source, error) from None


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
        with source.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _json_row(f"{source.name}, line {number}", line)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(source, error) from None


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
