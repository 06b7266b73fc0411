"""A project: a folder of runs in plain files, for any number of writers at once.

    PROJECT/ID_1.png            a run's pictures
    PROJECT/records/ID.json     its record, as Save Record writes them, with a part `history` that only runs of the desk have
    PROJECT/records/control_HASH.png, input_HASH.jpg      the maps and pictures it was made with; runs share them
    PROJECT/deleted/ID.json     the record of a run that was deleted and can be brought back
    PROJECT/thumbnails/         made again where they are missing, and of no interest to version control

The records lie as a record's reader expects them: pictures beside the folder, all else in it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_bytes, write_text
from ...common.file_lock import locked
from ..record.record import Record, RecordError, read_record
from .names import RECORD_FILE, RUN_FILE, HistoryError, check_file, check_project, check_run

IGNORED = "# Made again where they are missing, or of this machine alone.\nthumbnails/\ndeleted/\n.lock\n*.partial\n"
KEPT_SECONDS = 7 * 24 * 3600  # how long a deleted run can be brought back
LONGEST = 200  # characters of a run's name and of a branch


@dataclass(frozen=True)
class Project:
    """The project in a folder that may not be there yet."""

    folder: Path

    @property
    def name(self) -> str:
        """Its name, which is its folder's."""
        return self.folder.name

    @property
    def records(self) -> Path:
        """The folder of records, and of the pictures that they share."""
        return self.folder / "records"

    @property
    def deleted(self) -> Path:
        """The folder of records that can be brought back."""
        return self.folder / "deleted"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes during the body, in this process or another. Raises OSError."""
        with locked(self.folder / ".lock"):
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                write_text(ignore, IGNORED)
            yield

    def has(self, run: str) -> bool:
        """Whether there is such a run, deleted ones among them."""
        return any((folder / f"{check_run(run)}.json").is_file() for folder in (self.records, self.deleted))

    def read(self, run: str) -> Record:
        """A run's record. Raises HistoryError for an unknown one, RecordError for a damaged one."""
        path = self.records / f"{check_run(run)}.json"
        if not path.is_file():
            raise HistoryError(f"The project {self.name} has no run {run}; it may have been deleted.")
        return read_record(path)

    def file(self, name: str) -> Path:
        """A picture of a run, or one that runs share. Raises HistoryError where there is none."""
        folder = self.folder if RUN_FILE.fullmatch(check_file(name)) else self.records
        path = folder / name
        if not path.is_file() or path.is_symlink():
            raise HistoryError(f"The project {self.name} has no file {name}; the run may have been deleted.")
        return path

    def add(self, run: str, pictures: Mapping[str, bytes], make: Callable[[Path], Mapping[str, Any]]) -> bool:
        """Adds a run, once, whoever else does; whether it was not there before. Raises OSError.

        pictures: content by name; make: its record, which may leave pictures in the folder that it is given.
        """
        check_run(run)
        with self.writing():
            if self.has(run):
                return False
            for name, content in pictures.items():
                write_bytes(self.folder / check_file(name), content)
            # Last: a run whose writing broke off is not there.
            self._write(self.records / f"{run}.json", make(self.records))
        return True

    def edit(self, run: str, *, name: object = None, starred: object = None) -> Record:
        """Names a run or stars it; None leaves that as it is. Raises HistoryError and RecordError."""
        changes: dict[str, Any] = {}
        if name is not None:
            if not isinstance(name, str) or len(name) > LONGEST:
                raise HistoryError(f"The name of a run is a text of up to {LONGEST} characters.")
            changes["name"] = name.strip()
        if starred is not None:
            if not isinstance(starred, bool):
                raise HistoryError("starred is true or false.")
            changes["starred"] = starred
        with self.writing():
            record = self.read(run)
            data = {**record.data, "history": {**history_of(record.data), **changes}}
            self._write(self.records / f"{run}.json", data)
        return Record(data, record.folder, record.place)

    def delete(self, run: str) -> None:
        """Puts a run away; what was put away long ago goes for good. Raises HistoryError."""
        with self.writing():
            if not (self.records / f"{check_run(run)}.json").is_file():
                raise HistoryError(f"The project {self.name} has no run {run}; it may have been deleted.")
            self.deleted.mkdir(parents=True, exist_ok=True)
            os.utime(self.records / f"{run}.json")  # from now on
            (self.records / f"{run}.json").replace(self.deleted / f"{run}.json")
            self._clear()

    def bring_back(self, run: str) -> None:
        """Takes back a deletion. Raises HistoryError."""
        with self.writing():
            if not (self.deleted / f"{check_run(run)}.json").is_file():
                raise HistoryError(f"The project {self.name} has no deleted run {run}.")
            (self.deleted / f"{run}.json").replace(self.records / f"{run}.json")

    def deleted_runs(self) -> list[str]:
        """The runs that can be brought back, the last one first."""
        return [one.stem for one in sorted(record_files(self.deleted), key=lambda one: -one.stat().st_mtime_ns)]

    def _write(self, path: Path, record: Mapping[str, Any]) -> None:
        text = json.dumps(record, indent=1, ensure_ascii=False)
        write_bytes(path, text.encode("utf-8", "replace"))

    def _clear(self) -> None:
        """Removes what was deleted long ago, and pictures that no record names any more."""
        gone = [one for one in record_files(self.deleted) if time.time() - one.stat().st_mtime > KEPT_SECONDS]
        if not gone:
            return
        for one in gone:
            one.unlink()
            for picture in [*self.folder.glob(f"{one.stem}_*"), *(self.folder / "thumbnails").glob(f"{one.stem}.*")]:
                picture.unlink(missing_ok=True)
        used: set[str] = set()
        for one in (*record_files(self.records), *record_files(self.deleted)):
            try:
                used |= shared_files(read_record(one).data)
            except RecordError:
                return  # a record that cannot be read may need any of them
        for pattern in ("control_*", "input_*"):
            for picture in self.records.glob(pattern):
                if picture.name not in used:
                    picture.unlink(missing_ok=True)
                    (self.folder / "thumbnails" / f"{picture.stem}.webp").unlink(missing_ok=True)


@dataclass(frozen=True)
class Projects:
    """All projects, in a folder that may not be there yet."""

    folder: Path

    def project(self, name: object) -> Project:
        """The project of a name. Raises HistoryError for what cannot be one."""
        return Project(self.folder / check_project(name))

    def names(self) -> list[str]:
        """Those that there are, by name."""
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir() if one.is_dir() and _is_name(one.name))


def history_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of its run in the desk; empty for one that Save Record wrote."""
    found = record.get("history")
    return dict(found) if isinstance(found, dict) else {}


def shared_files(record: Mapping[str, Any]) -> set[str]:
    """The names of the maps and input pictures that a record names."""
    return {*maps_of(record), *(entry["file"] for entry in record["inputs"])}


def maps_of(record: Mapping[str, Any]) -> list[str]:
    """The names of a record's maps, each once."""
    listed = [signal["images"] for signal in record["signals"] if isinstance(signal.get("images"), list)]
    return list(dict.fromkeys(name for names in listed for name in names if isinstance(name, str)))


def record_files(folder: Path) -> list[Path]:
    """The records of runs in a folder, which may not be there."""
    try:
        return [folder / one for one in os.listdir(folder) if RECORD_FILE.fullmatch(one)]  # noqa: PTH208 - a thousand names
    except FileNotFoundError:
        return []


def _is_name(name: str) -> bool:
    try:
        return check_project(name) == name
    except HistoryError:
        return False
