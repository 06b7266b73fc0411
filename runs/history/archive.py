"""A project as one zip file, and a project from such a file: nothing in it is believed before it is looked at."""

import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ...common.digests import sha256_of_file
from ...common.picture_files import PictureError, check_picture, read_picture
from ..record.compare import pixels_of
from ..record.record import RecordError, read_record
from ..record.saving import pixel_hash
from .names import FILMS, KEPT_FILE, RECORD_FILE, RUN_FILE, HistoryError
from .project import Project, record_files, shared_files

MOST_FILES = 200_000
LARGEST_FILE = 2 * 2**30  # bytes, unpacked
LARGEST = 16 * 2**30  # bytes, unpacked, of all files together
MOST_TIMES = 100  # how many times its packed size a file may have; records come to about ten
SMALL = 2**20  # bytes that any file may have, however well it is packed
RECORDS = "records/"
_BLOCK = 2**20


def export(project: Project, path: Path) -> None:
    """Writes the project as a zip file. Raises HistoryError for an empty one, and OSError."""
    records = sorted(record_files(project.records))
    if not records:
        raise HistoryError(f"The project {project.name} has no runs to export.")
    with zipfile.ZipFile(path, "w", strict_timestamps=False) as archive:  # a file may be older than the format
        for file, name in _files(project, records):
            try:
                packing = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
                archive.write(file, name, packing)
            except FileNotFoundError:
                continue  # deleted for good meanwhile


def _files(project: Project, records: list[Path]) -> Iterator[tuple[Path, str]]:
    runs, shared = {file.stem for file in records}, set()
    for file in records:
        try:
            shared |= shared_files(read_record(file).data)
        except RecordError:
            continue
        yield file, RECORDS + file.name
    for name in sorted(shared):
        if KEPT_FILE.fullmatch(name):
            yield project.records / name, RECORDS + name
    for file in sorted(project.folder.iterdir()):
        match = RUN_FILE.fullmatch(file.name)
        if match and match[1] in runs:
            yield file, file.name


def bring_in(project: Project, path: Path) -> tuple[int, int]:
    """Adds the runs of a zip file to a project; how many came in, and how many were there already.

    Everything is looked at before anything is added. Raises HistoryError, and OSError.
    """
    project.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=project.folder.parent) as folder:
        unpacked = Project(Path(folder))
        _unpack(path, unpacked)
        for file in _checked(unpacked):
            file.chmod(0o644)
        return _move(unpacked, project)


def _unpack(path: Path, target: Project) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            _check_entries(entries)
            target.records.mkdir()
            for one in entries:
                _unpack_one(archive, one, target.folder / one.filename)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, HistoryError):
            raise
        raise HistoryError(
            f"The file is no zip file that can be read ({error}). Choose one that Export wrote."
        ) from None


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Raises HistoryError for what no exported project holds, before anything of it is unpacked."""
    names = [one.filename for one in entries]
    if len(names) > MOST_FILES or len({name.lower() for name in names}) < len(names):
        raise HistoryError(f"The file holds a name twice, or more than {MOST_FILES} files; nothing was imported.")
    if not any(RECORD_FILE.fullmatch(name.removeprefix(RECORDS)) for name in names):
        raise HistoryError("The file holds no runs of a project. Choose one that Export wrote.")
    for one in entries:
        name = one.filename
        inner = name.removeprefix(RECORDS)
        known = (
            RUN_FILE.fullmatch(name) if inner == name else RECORD_FILE.fullmatch(inner) or KEPT_FILE.fullmatch(inner)
        )
        if not known:
            raise HistoryError(f"The file holds {name[:100]!r}, which no project has; nothing was imported.")
        if one.file_size > LARGEST_FILE or one.file_size > max(SMALL, MOST_TIMES * one.compress_size):
            raise HistoryError(
                f"{name} would unpack to {one.file_size} bytes, which no project's does; nothing was imported."
            )
    if sum(one.file_size for one in entries) > LARGEST:
        raise HistoryError(f"The file would unpack to more than {LARGEST // 2**30} GB; nothing was imported.")


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    left = entry.file_size
    with archive.open(entry) as packed, target.open("xb") as stream:
        while block := packed.read(_BLOCK):
            left -= len(block)
            if left < 0:  # more than its header says
                raise HistoryError(f"{entry.filename} is larger than the file says; nothing was imported.")
            stream.write(block)


def _checked(project: Project) -> Iterator[Path]:
    """Every file of an unpacked project, after it was found to be what its name says. Raises HistoryError."""
    for file in sorted(record_files(project.records)):
        try:
            record = read_record(file).data
        except RecordError as error:
            raise HistoryError(
                f"{RECORDS}{file.name}: {str(error).replace(str(file), 'it')} Nothing was imported."
            ) from None
        for entry in record["pictures"]:
            if not entry["file"].startswith(f"{file.stem}_"):
                raise HistoryError(
                    f"{RECORDS}{file.name} names a picture of another run, {entry['file'][:60]!r}; nothing was "
                    "imported."
                )
        yield file
    for file in sorted((*project.folder.glob("*.*"), *project.records.glob("[ci]*_*.*"))):
        try:
            fits = _is_what_it_says(file)
        except PictureError as error:
            raise HistoryError(f"{file.name} {error} Nothing was imported.") from None
        if not fits:
            raise HistoryError(f"{file.name} is not what its name says; nothing was imported.")
        yield file


def _is_what_it_says(file: Path) -> bool:
    kept = KEPT_FILE.fullmatch(file.name)
    if file.suffix.removeprefix(".") in FILMS:
        with file.open("rb") as stream:
            start = stream.read(12)
        return start[4:8] == b"ftyp" or start.startswith(b"\x1a\x45\xdf\xa3")
    if kept is None:
        check_picture(file)
        return True
    if kept[1] == "input":
        check_picture(file)
        return sha256_of_file(file).startswith(kept[2])
    with read_picture(file) as picture:
        return pixel_hash(pixels_of(picture)).startswith(kept[2])


def _move(source: Project, target: Project) -> tuple[int, int]:
    added = known = 0
    with target.writing():
        target.records.mkdir(parents=True, exist_ok=True)
        for file in sorted(source.records.iterdir()):
            if KEPT_FILE.fullmatch(file.name) and not (target.records / file.name).is_file():
                file.replace(target.records / file.name)
        for record in sorted(record_files(source.records)):
            if target.has(record.stem):
                known += 1
                continue
            for picture in source.folder.glob(f"{record.stem}_*"):
                picture.replace(target.folder / picture.name)
            record.replace(target.records / record.name)  # last: a run is there whole or not at all
            added += 1
    return added, known


def file_name(project: Project) -> str:
    """What an exported project's file is called: letters that any system and header takes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", project.name).strip("_.") or "project"
    return f"{plain}.armature.zip"
