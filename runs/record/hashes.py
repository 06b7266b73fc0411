"""sha256 of model files, each read once: remembered by path, size and time."""

import contextlib
import sqlite3
from pathlib import Path

from ...common.digests import sha256_of_file
from ...common.file_stamp import FileStamp, file_stamp


class HashCache:
    """The sums of files, kept in the SQLite file `store`. Without a usable store, files are simply read again."""

    def __init__(self, store: Path):
        self._store = store

    def sha256(self, file: Path) -> str:
        """The file's sum as hexadecimal text. Raises OSError when the file cannot be read."""
        stamp = file_stamp(file.resolve())
        known = self._look_up(stamp)
        if known is not None:
            return known
        found = sha256_of_file(file)
        self._keep(stamp, found)
        return found

    def _look_up(self, stamp: FileStamp) -> str | None:
        with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(self._open()) as data:
            row = data.execute("SELECT sum FROM sums WHERE path = ? AND size = ? AND time = ?", stamp).fetchone()
            return row[0] if row else None
        return None

    def _keep(self, stamp: FileStamp, found: str) -> None:
        with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(self._open()) as data:
            data.execute("INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)", (*stamp, found))

    def _open(self) -> sqlite3.Connection:
        self._store.parent.mkdir(parents=True, exist_ok=True)
        data = sqlite3.connect(self._store, isolation_level=None)
        data.execute("CREATE TABLE IF NOT EXISTS sums (path TEXT PRIMARY KEY, size INTEGER, time INTEGER, sum TEXT)")
        return data
