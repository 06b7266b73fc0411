"""The metadata that diffusers' scripts and the datasets library read: a line for each picture, as JSON or as a table."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .texts import read_text

NAMES = ("metadata.jsonl", "metadata.csv")
_PICTURE = "file_name"
_CAPTIONS = ("text", "caption", "prompt")
_MAPS = ("conditioning_image", "conditioning_image_file_name")
_FORM = '{"file_name": "0001.png", "text": "a caption", "conditioning_image": "maps/0001.png"}'


@dataclass(frozen=True)
class Row:
    """What is known of a picture. Files are named from the training folder; where: the file and line that say so."""

    picture: str
    caption: str = ""
    map: str | None = None
    where: str = ""


def read_rows(folder: Path, name: str) -> list[Row]:
    """The rows of a metadata file of a folder. ValueError names the line that is broken, or whose files leave the folder."""
    text = read_text(folder / name, name)
    lines = _of_table(text, name) if name.endswith(".csv") else _of_json(text, name)
    beside = str(PurePosixPath(name).parent)
    return [_row(line, beside, where) for where, line in lines]


def _of_json(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise _broken(where, "is not a JSON object")
        yield where, value


def _of_table(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    table = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if _PICTURE not in (table.fieldnames or ()):
            raise _broken(f"{name}, line 1", f'has no column "{_PICTURE}"')
        for line in table:
            yield f"{name}, line {table.line_num}", line
    except csv.Error as error:
        raise _broken(f"{name}, line {table.line_num}", f"cannot be read ({error})") from None


def _row(line: Mapping[str, Any], beside: str, where: str) -> Row:
    picture = _field(line, (_PICTURE,), where)
    if not picture:
        raise _broken(where, f'has no "{_PICTURE}"')
    of_map = _field(line, _MAPS, where)
    caption = " ".join(_field(line, _CAPTIONS, where).split())
    return Row(_inside(picture, beside, where), caption, _inside(of_map, beside, where) if of_map else None, where)


def _field(line: Mapping[str, Any], names: tuple[str, ...], where: str) -> str:
    """The first of these fields that is given; empty where none is."""
    for name in names:
        value = line.get(name)
        if value is not None and not isinstance(value, str):
            raise _broken(where, f'has a "{name}" that is not a text')
        if value:
            return value
    return ""


def _inside(path: str, beside: str, where: str) -> str:
    """A path from the metadata's folder, on any system, as one from the training folder that it lies in."""
    slashed = path.replace("\\", "/")
    joined = posixpath.normpath(posixpath.join(beside, slashed))
    if slashed.startswith("/") or re.match("[A-Za-z]:", slashed) or joined.split("/")[0] == ".." or "\0" in joined:
        raise ValueError(
            f"Training folder: {where}: the path {path!r} leaves the training folder. Write it as it lies inside, such as "
            "images/0001.png."
        )
    return joined


def _broken(where: str, what: str) -> ValueError:
    return ValueError(f"Training folder: {where} {what}. Mend or remove the line; each is like {_FORM}.")
