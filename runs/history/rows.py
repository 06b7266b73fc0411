"""What a project's list shows of each run. A record is read once, and again when its file has changed."""

import datetime
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.digests import sha256
from ...common.file_stamp import FileStamp, file_stamp
from ..answers import as_number
from ..record.record import RecordError, read_record
from .batches import batch_of, rows_of_batch
from .project import Project, history_of, maps_of, record_files

MOST_WORDS = 2000  # characters of a text that a list shows and searches
MOST_CACHED = 20_000  # rows, of all projects together
SECOND = len("20260131-235959")  # as an id begins


class Rows:
    """The rows of projects, for any number of threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[FileStamp, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def table(self, project: Project, known: str = "") -> dict[str, Any]:
        """`version` of the list and `rows`, the last run first; without rows where `known` is still the version."""
        stamps = []
        for path in record_files(project.records):
            try:
                stamps.append(file_stamp(path))
            except FileNotFoundError:
                continue  # deleted meanwhile
        stamps.sort()
        deleted = project.deleted_runs()
        version = sha256(repr((stamps, deleted)))[:16]
        if version == known:
            return {"version": version}
        rows = [self._row(stamp) for stamp in stamps]
        # An id tells the second: of two runs of one second the record knows which was first.
        rows.sort(key=lambda row: (row["id"][:SECOND], row.get("saved", ""), row["id"]), reverse=True)
        return {"version": version, "deleted": deleted, "rows": rows}

    def batch(self, project: Project, batch: str) -> dict[str, Any]:
        """`rows` of the runs of a batch, by their number in it."""
        return {"rows": rows_of_batch(self.table(project)["rows"], batch)}

    def _row(self, stamp: FileStamp) -> dict[str, Any]:
        path = stamp[0]
        with self._lock:
            kept = self._known.get(path)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        row = _read(Path(path))
        with self._lock:
            if len(self._known) >= MOST_CACHED:
                self._known.clear()
            self._known[path] = (stamp, row)
        return row


def row_of(run: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a run, of its record alone."""
    history = history_of(record)
    settings = [
        one["settings"] for one in record["sampling"] if isinstance(one, dict) and isinstance(one.get("settings"), dict)
    ]
    seeds = [value for one in settings for name in ("seed", "noise_seed") if isinstance(value := one.get(name), int)]
    others = [entry["file"] for entry in _entries(history.get("others"), file=str)]
    times = record["times"] if isinstance(record.get("times"), dict) else {}
    return {
        "id": run,
        "created": _time(record["created"]),
        "status": _text(history.get("status")) or "done",
        "graph": _text(history.get("graph")),
        "name": _text(history.get("name")),
        "starred": history.get("starred") is True,
        "branch": _text(history.get("branch")),
        "parent": _text(history.get("parent")),
        "by": _text(history.get("by")),
        "batch": batch_of(history.get("batch")),
        "reason": _reason(history, record["reports"]),
        "words": [
            {**one, "text": one["text"][:MOST_WORDS]} for one in _entries(history.get("words"), title=str, text=str)
        ],
        "weights": [
            one
            for one in _entries(history.get("weights"), title=str, value=(int, float))
            if as_number(one["value"]) is not None
        ],
        "adherence": [
            one
            for one in _entries(history.get("adherence"), title=str, score=(int, float), relative=(int, float))
            if as_number(one["score"]) is not None and as_number(one["relative"]) is not None
        ],
        "seeds": seeds,
        "pictures": [*(entry["file"] for entry in record["pictures"]), *others],
        "maps": maps_of(record),
        "models": [entry["name"] for entry in record["models"]],
        "seconds": as_number(times.get("seconds")),
        "saved": _time(_text(times.get("saved"))),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return row_of(path.stem, read_record(path).data)
    except (RecordError, OSError) as error:
        return {"id": path.stem, "created": "", "status": "damaged", "told": str(error)}
    except (KeyError, TypeError, AttributeError, ValueError):
        return {"id": path.stem, "created": "", "status": "damaged", "told": f"{path}: the record is damaged."}


def _time(value: str) -> str:
    """A moment as a record writes it; empty for what is none."""
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        return ""
    return value


def _reason(history: Mapping[str, Any], reports: object) -> str:
    """Why a run failed: what was reported last."""
    if _text(history.get("status")) != "failed" or not isinstance(reports, list) or not reports:
        return ""
    return _text(reports[-1])[:MOST_WORDS]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _entries(listed: object, /, **kinds: type | tuple[type, ...]) -> list[dict[str, Any]]:
    """Those of a list that are objects with such values, and nothing else of them."""
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        {key: one[key] for key in kinds}
        for one in found
        if all(isinstance(one.get(key), kind) for key, kind in kinds.items())
    ]
