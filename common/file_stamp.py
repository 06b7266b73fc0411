"""What tells that a file was replaced by another of its name: whatever is kept of a file's content is kept by this."""

from __future__ import annotations

from os import stat_result
from pathlib import Path

FileStamp = tuple[str, int, int]


def file_stamp(path: Path, status: stat_result | None = None) -> FileStamp:
    """Its path, its size in bytes and the time of its last change in nanoseconds. Raises OSError where there is none.

    status: what the system told of it, where it was asked already.
    """
    status = status or path.stat()
    return str(path), status.st_size, status.st_mtime_ns
