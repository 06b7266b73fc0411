"""Keeping the verdicts on files between runs of a command, so that a second check reads nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_text
from ...common.digests import sha256_of_files
from . import index as index_module
from .identity import Identity
from .index import Folders, ModelIndex

_MOST = 20_000


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


def _load(store: Path) -> dict[tuple[str, int, int], tuple[Identity | None, str]]:
    try:
        table = json.loads(store.read_text(encoding="utf-8"))
        if table["code"] != code_digest():
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
        write_text(store, json.dumps({"code": code_digest(), "files": rows}))


def _identity(found: dict[str, Any] | None) -> Identity | None:
    if found is None:
        return None
    fixed: dict[str, Any] = {
        name: tuple(value) if name in ("families", "evidence") else value for name, value in found.items()
    }
    return Identity(**fixed)


@cache
def code_digest() -> str:
    """Changes whenever the code that names files does: an old verdict must not outlive it."""
    return sha256_of_files(sorted(Path(__file__).parent.rglob("*.py")))
