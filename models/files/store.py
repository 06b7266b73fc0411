"""Keeping the verdicts on files between runs of a command, so that a second check reads nothing."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_text
from ...common.digests import sha256_of_files
from ...common.file_stamp import FileStamp
from . import index as index_module
from .identity import Identity
from .index import Folders, ModelIndex

_MOST = 20_000
_VERSION = 2  # of the form of the store


@contextmanager
def stored_index(folders: Folders, store: Path) -> Iterator[ModelIndex]:
    """An index that begins with the verdicts in a file, and leaves there what it has learnt. A broken file counts as none."""
    index_module.remember(_load(store))
    known = len(index_module.verdicts())
    try:
        yield ModelIndex(folders)
    finally:
        if len(index_module.verdicts()) != known:
            _save(store)


def _load(store: Path) -> dict[FileStamp, tuple[Identity | None, str]]:
    try:
        table = json.loads(store.read_text(encoding="utf-8"))
        if table["version"] != _VERSION or table["made_by"] != made_by():
            return {}
        return {(path, size, time): (_identity(found), problem) for path, size, time, found, problem in table["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _save(store: Path) -> None:
    rows = [
        [*key, asdict(identity) if identity else None, problem]
        for key, (identity, problem) in list(index_module.verdicts().items())[-_MOST:]
    ]
    with suppress(OSError):  # a full or read-only disk costs the next run some time, no more
        write_text(store, json.dumps({"version": _VERSION, "made_by": made_by(), "files": rows}))


def _identity(found: dict[str, Any] | None) -> Identity | None:
    if found is None:
        return None
    fixed: dict[str, Any] = {
        name: tuple(value) if name in ("families", "evidence") else value for name, value in found.items()
    }
    return Identity(**fixed)


def made_by() -> dict[str, str]:
    """What a verdict depends on beside the file: our code, the host's detection, and torch's reader."""
    return {"code": code_digest(), "host": _version("comfyui_version"), "torch": _version("torch.version")}


def _version(module: str) -> str:
    try:
        return str(importlib.import_module(module).__version__)
    except (ImportError, AttributeError):
        return ""


@cache
def code_digest() -> str:
    """Changes whenever the code that names files does: an old verdict must not outlive it."""
    return sha256_of_files(sorted(Path(__file__).parent.rglob("*.py")))
