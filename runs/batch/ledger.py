"""The ledger: every row's state in an SQLite file, written before and after each thing that happens to a row.

A row is `waiting`, then `sent` (its prompt id is noted *before* the server hears of it), then `done` or `failed`; `refused`
rows were found wrong beforehand. A runner that is killed leaves rows `sent`; the next one asks the server what became of them.
"""

import contextlib
import dataclasses
import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BatchError, CannotWrite
from .plan import PlannedRow

FILE = "ledger.sqlite"
VERSION = 1
WAITING, SENT, DONE, FAILED, REFUSED = STATES = ("waiting", "sent", "done", "failed", "refused")
SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
  key TEXT PRIMARY KEY, number INTEGER, position INTEGER, name TEXT, place TEXT, changes TEXT, pictures TEXT,
  state TEXT, tries INTEGER DEFAULT 0, attempts INTEGER DEFAULT 0, losses INTEGER DEFAULT 0, prompt_id TEXT, server TEXT,
  reason TEXT DEFAULT '', files TEXT DEFAULT '[]', texts TEXT DEFAULT '{}', seconds REAL, ended REAL, planned INTEGER);
CREATE INDEX IF NOT EXISTS rows_by_position ON rows (planned, state, position);
"""
UPSERT = """
INSERT INTO rows (key, number, position, name, place, changes, pictures, state, reason, planned)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (key) DO UPDATE SET planned = 1, number = excluded.number, position = excluded.position,
  place = excluded.place, tries = 0, losses = 0, pictures = excluded.pictures,
  reason = CASE WHEN state IN ('done', 'sent') THEN reason ELSE excluded.reason END,
  state = CASE WHEN state IN ('done', 'sent') THEN state ELSE excluded.state END
"""


@dataclass(frozen=True)
class Entry:
    """A row as the ledger knows it. tries: in this start of the batch; attempts: in all. seconds: the server's own."""

    key: str
    number: int
    name: str
    place: str
    changes: Mapping[str, Any]
    pictures: Mapping[str, str]
    state: str
    tries: int
    attempts: int
    losses: int
    prompt_id: str | None
    server: str | None
    reason: str
    files: Sequence[str]
    texts: Mapping[str, Any]
    seconds: float | None


class Ledger:
    """The ledger in `folder`, held by one runner at a time. Use as a context manager.

    Raises BatchError when another runner holds it, when it belongs to a newer Armature, or when it is damaged, and
    CannotWrite, from any method, when its disk takes nothing more.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE
        with contextlib.ExitStack() as opening:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = opening.enter_context(_connect(folder / "ledger.lock", timeout=0))
                self._hold()
                self._data = opening.enter_context(_connect(self._path))
                self._prepare()
            except (OSError, sqlite3.Error) as error:
                raise BatchError(f"The ledger {self._path} cannot be used: {error}. Choose another --out.") from None
            self._open = opening.pop_all()

    def _hold(self) -> None:
        try:
            # The operating system lets go of it however the process ends.
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise BatchError(
                f"Another batch is writing to {self._path.parent}. Wait for it, or choose another --out."
            ) from None

    def _prepare(self) -> None:
        self._data.execute("PRAGMA journal_mode = WAL")
        # Survives the end of any process. After a power cut the last rows may be made again: their files bear the same
        # names, so nothing is doubled. Waiting for the disk at each step would cost more than the whole runner does.
        self._data.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._data.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise BatchError(
                f"{self._path} was written by a newer Armature (version {version}). Update, or choose another --out."
            )
        self._data.executescript(SCHEMA)
        self._data.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def plan(self, rows: Iterable[PlannedRow]) -> None:
        """Takes in a plan, all or nothing. Rows that are done stay done, failed ones wait again, others leave the plan."""
        with self._told():
            self._data.execute("BEGIN IMMEDIATE")
            try:
                self._data.execute("UPDATE rows SET planned = 0")
                self._data.executemany(UPSERT, (_values(row, position) for position, row in enumerate(rows)))
                self._data.execute("COMMIT")
            except BaseException:
                if self._data.in_transaction:  # SQLite ends it itself where the disk is full
                    self._data.execute("ROLLBACK")
                raise

    def counts(self) -> dict[str, int]:
        """How many planned rows are in each state."""
        found = dict(self._all("SELECT state, count(*) FROM rows WHERE planned GROUP BY state"))
        return {state: found.get(state, 0) for state in STATES}

    def left_over(self) -> int:
        """Rows of earlier plans that are not in this one."""
        return self._all("SELECT count(*) FROM rows WHERE NOT planned")[0][0]

    def next_rows(self, state: str, limit: int = 1) -> list[Entry]:
        """The first planned rows in a state, in running order."""
        return [_entry(row) for row in self._all(_select("planned AND state = ?") + " LIMIT ?", state, limit)]

    def next_row(self, taken: Collection[str]) -> Entry | None:
        """The next row that is not `taken` (keys): first those that an earlier runner sent, then the waiting ones."""
        for state in (SENT, WAITING):
            for entry in self.next_rows(state, len(taken) + 1):
                if entry.key not in taken:
                    return entry
        return None

    def entries(self, order: str = "number") -> Iterator[Entry]:
        """All planned rows, by `number` (as they were read) or by `position` (as they run), a few at a time."""
        last = (-1, "")
        column = "position" if order == "position" else "number"
        while True:
            where = f"planned AND ({column}, key) > (?, ?)"
            page = [_entry(row) for row in self._all(_select(where, f"{column}, key") + " LIMIT 200", *last)]
            if not page:
                return
            yield from page
            key = page[-1].key
            last = (self._all(f"SELECT {column} FROM rows WHERE key = ?", key)[0][0], key)

    def send(self, key: str, prompt_id: str, server: str) -> None:
        """Notes, before the server hears of it, under which id a row goes out."""
        self._update(key, "state = 'sent', prompt_id = ?, server = ?, attempts = attempts + 1", prompt_id, server)

    def finish(
        self, key: str, files: Sequence[str], texts: Mapping[str, Any], seconds: float | None, note: str = ""
    ) -> None:
        """Notes that a row came out."""
        told = (json.dumps(files), json.dumps(texts), seconds, time.time(), note)
        self._update(key, "state = 'done', files = ?, texts = ?, seconds = ?, ended = ?, reason = ?", *told)

    def fail(self, key: str, reason: str, *, again: bool) -> None:
        """Notes that a row failed; `again` puts it back into the queue, behind the rows that were not tried yet."""
        behind = ", position = (SELECT max(position) + 1 FROM rows)" if again else ""
        state = WAITING if again else FAILED
        told = (state, _clean(reason), time.time())
        self._update(key, f"state = ?, tries = tries + 1, reason = ?, ended = ?{behind}", *told)

    def change(self, key: str, changes: Mapping[str, Any]) -> None:
        """Gives a row other values, such as seeds, for its next try; it stays the same row."""
        self._update(key, "changes = ?", json.dumps(changes))

    def put_back(self, key: str, *, lost: bool) -> None:
        """A row whose run is gone waits again. `lost` counts towards the row's own guilt in the server's end."""
        self._update(key, "state = 'waiting', prompt_id = NULL, losses = losses + ?", int(lost))

    def _update(self, key: str, assignments: str, *values: object) -> None:
        self._all(f"UPDATE rows SET {assignments} WHERE key = ?", *values, key)

    def _all(self, statement: str, *values: object) -> list[Any]:
        """The rows that a statement gives."""
        with self._told():
            return self._data.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CannotWrite(self._path.parent, error) from None


def _connect(path: Path, timeout: float = 5.0) -> "contextlib.closing[sqlite3.Connection]":
    return contextlib.closing(sqlite3.connect(path, timeout=timeout, isolation_level=None))


_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Entry))


def _select(where: str, order: str = "position") -> str:
    return f"SELECT {_COLUMNS} FROM rows WHERE {where} ORDER BY {order}"


def _values(row: PlannedRow, position: int) -> tuple[Any, ...]:
    pictures = {place: str(path) for place, path in row.pictures.items()}
    state = REFUSED if row.problem else WAITING
    return (
        row.key,
        row.number,
        position,
        _clean(row.name),
        _clean(row.where),
        json.dumps(row.changes),
        json.dumps(pictures),
        state,
        _clean(row.problem),
    )


def _clean(text: str) -> str:
    """JSON may hold halves of characters, which no file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _entry(row: tuple[Any, ...]) -> Entry:
    values = list(row)
    for index in (4, 5, 13, 14):
        values[index] = json.loads(values[index])
    return Entry(*values)
