"""A record as data: reading and checking it, wherever it comes from. Nothing in it is believed before it is looked at."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.picture_files import PictureError, read_picture
from ...common.whole_file import read_text
from ..batch.batch import check_graph
from ..errors import BatchError, fit_to_show

SCHEMA = "armature.record/1"
FILE = "record.json"
SUFFIX = ".record"
PNG_KEY = "armature_record"
LARGEST = 64_000_000  # bytes of a record's JSON
NAME = re.compile(r"[^/\\:\0]{1,255}")
PARTS: Mapping[str, type] = {
    "created": str,
    "node": str,
    "prompt": dict,
    "pictures": list,
    "models": list,
    "inputs": list,
    "sampling": list,
    "signals": list,
    "reports": list,
    "versions": dict,
    "device": dict,
}

ENTRIES: Mapping[str, tuple[str, ...]] = {
    "pictures": ("file", "sha256"),
    "models": ("node", "input", "name", "sha256"),
    "inputs": ("node", "input", "name", "file"),
    "signals": (),
}


class RecordError(ValueError):
    """What was given is no record, or one that cannot be used; the message says why, fit to be shown."""

    def __init__(self, message: str):
        super().__init__(fit_to_show(message))


@dataclass(frozen=True)
class Record:
    """A checked record. folder: where its own files lie, None when it came out of a picture alone. place: for messages."""

    data: Mapping[str, Any]
    folder: Path | None
    place: str

    def file(self, name: str) -> Path | None:
        """A file of the record's folder by its name; None when it is not there."""
        return _inside(self.folder, name) if self.folder is not None else None

    def picture(self, index: int) -> Path | None:
        """One of the pictures that the record tells of, which lie beside its folder."""
        return _inside(self.folder.parent, self.data["pictures"][index]["file"]) if self.folder is not None else None


def read_record(path: Path) -> Record:
    """The record in a folder, a record.json, or a PNG that Save Record wrote. Raises RecordError."""
    if path.is_dir():
        path = path / FILE
    try:
        if path.suffix.lower() == ".png":
            return _from_picture(path)
        text = read_text(path, LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise RecordError(f"{path}: {reason}. Give a record.json, its folder, or the PNG beside it.") from None
    return Record(parse_record(text, str(path)), path.resolve().parent, str(path))


def parse_record(text: str, place: str) -> dict[str, Any]:
    """The record in a JSON text. Raises RecordError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise RecordError(f"{place} holds no readable record.") from None
    return check_record(data, place)


def check_record(data: Any, place: str) -> dict[str, Any]:
    """`data` if it is a record of this version. Raises RecordError."""
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("armature.record/"):
        raise RecordError(f"{place} is no record of Armature.")
    if data["schema"] != SCHEMA:
        raise RecordError(
            f"{place} is a record of the form {data['schema']!r}; this Armature reads {SCHEMA}. Update it."
        )
    for name, kind in PARTS.items():
        if not isinstance(data.get(name), kind):
            raise RecordError(f"{place}: '{name}' is missing or of the wrong kind; the record is damaged.")
    try:
        check_graph(data["prompt"], place)
    except BatchError as error:
        raise RecordError(str(error)) from None
    for part, keys in ENTRIES.items():
        for entry in data[part]:
            if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
                raise RecordError(f"{place}: an entry of '{part}' is damaged.")
    for entry in [*data["pictures"], *data["inputs"]]:
        check_name(entry["file"], place)
    return data


def check_name(name: str, place: str) -> None:
    """Raises RecordError for a file name that could lead out of the record's folder."""
    if not NAME.fullmatch(name) or name in (".", ".."):
        raise RecordError(f"{place}: {name[:100]!r} is not a plain file name; such a record is not used.")


def _inside(folder: Path, name: str) -> Path | None:
    """A file of a folder; None when it is not there, or is a link to somewhere else."""
    path = folder / name
    return path if is_file(path) and path.resolve().is_relative_to(folder.resolve()) else None


def is_file(path: Path) -> bool:
    """Whether it is one; False too for a name that the file system refuses, such as a prompt's text that ends in .png."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises there


def _from_picture(path: Path) -> Record:
    try:
        with read_picture(path) as picture:
            text = getattr(picture, "text", {}).get(PNG_KEY)
    except PictureError as error:
        raise RecordError(f"{path} {error}") from None
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error.strerror}).") from None
    if text is None:
        raise RecordError(f"{path} holds no record; it was not saved by Save Record.")
    data = parse_record(text, str(path))
    folder = path.resolve().with_name(f"{Path(data['pictures'][0]['file']).stem}{SUFFIX}") if data["pictures"] else None
    return Record(data, folder, str(path))
