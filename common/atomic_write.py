"""Atomic writes: a file is there whole or not at all, also when several processes write it at once."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path, *, same_bytes: bool = False) -> Iterator[Path]:
    """Gives a temporary path in the folder of `path` to write to; it takes `path`'s place when the block ends.

    The folder is made where it is missing. A block that raises leaves what was there, and no temporary file. same_bytes: all
    who write this path write the same bytes. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not named after `path`, whose name may be as long as the file system allows.
    temporary = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        yield temporary
        _replace(temporary, path, same_bytes)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a whole file; see `atomic_write`. It is on the disk before it takes the place of what was there."""
    try:
        _write_once(path, content)
    except FileNotFoundError:
        # A folder that went away meanwhile, as one on a network drive may, is made once more.
        _write_once(path, content)


def _write_once(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_text(path: Path, text: str) -> None:
    """Writes a whole UTF-8 file; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


_PATIENCE = 1.0  # seconds for a virus scanner or a reader to let go of a file


def _replace(temporary: Path, path: Path, same_bytes: bool) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            # Windows refuses to replace a file that another process has open.
            if same_bytes and path.exists():
                return
            if os.name != "nt" or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
