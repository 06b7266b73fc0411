"""The demo's model files in the host's own model folders, written when a graph that names them is opened."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

from . import HOW_TO_GET, weights_file
from .export import FILES, DemoFile, Load, write_at

_WRITING = threading.Lock()  # two pages of a browser may ask at once


def table() -> dict[str, Any]:
    """Every file of the demo as JSON: its name, its folder, how large it is, and whether the host has it."""
    return {
        "files": [
            {"name": file.filename, "folder": file.folder, "megabytes": file.megabytes, "there": _is_there(file)}
            for file in FILES
        ]
    }


def provide(asked: Any = None, load: Load = weights_file.load) -> dict[str, Any]:
    """Write the files that are asked for and that none of the host's model folders has; what is there stays.

    asked: `{"names": [...]}`, or nothing for all of the demo's files. Returns as JSON what was written, name and path.
    ValueError: a name that is none of the demo's, or no folder takes the file; it says why.
    """
    files = _chosen(asked)
    with _WRITING:
        written = [(file, _write(file, load)) for file in files if not _is_there(file)]
    return {"written": [{"name": file.filename, "path": str(path)} for file, path in written]}


def _chosen(asked: Any) -> list[DemoFile]:
    known = {file.filename: file for file in FILES}
    names = list(known) if asked in (None, {}) else asked.get("names") if isinstance(asked, dict) else None
    if isinstance(names, list) and names and all(isinstance(name, str) and name in known for name in names):
        return [known[name] for name in names]
    raise ValueError(f"{names!r} names no file of the demo. They are: {', '.join(known)}.")


def _is_there(file: DemoFile) -> bool:
    """Whether the host would find a file of this name; whose it is does not matter."""
    return any((folder / file.filename).is_file() for folder in _folders(file.folder))


def _folders(kind: str) -> list[Path]:
    """Where the host looks for files of a kind: folders that exist come first."""
    import folder_paths

    usual = [str(Path(folder_paths.models_dir) / kind)]
    paths = folder_paths.folder_names_and_paths.get(kind, (usual,))[0] or usual
    return sorted(map(Path, paths), key=lambda path: not path.is_dir())


def _write(file: DemoFile, load: Load) -> Path:
    """Into the first folder that takes it. ValueError: none does."""
    refusals = []
    for folder in _folders(file.folder):
        path = folder / file.filename
        if os.path.lexists(path):  # a link to nowhere, or a folder
            refusals.append(f"{path} is something else")
            continue
        try:
            write_at(path, file, load)
        except FileNotFoundError as error:
            raise ValueError(str(error)) from None
        except OSError as error:
            refusals.append(f"{folder}: {_reason(error, file)}")
        else:
            return path
    raise ValueError(f"{file.filename} could not be written. {'; '.join(refusals)}. {HOW_TO_GET}")


def _reason(error: OSError, file: DemoFile) -> str:
    if error.errno == errno.ENOSPC:
        return f"no space left; the file needs up to {file.megabytes} MB"
    return error.strerror or str(error)
