"""The end of a batch as files: a line per row in summary.csv, the same with reports in summary.json."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...common.atomic_write import atomic_write
from ..graph import describe_changes
from .ledger import Entry, Ledger

TABLE, DATA = "summary.csv", "summary.json"
SCHEMA = "armature.batch/1"
FIXED = ("row", "name", "state", "attempts", "seconds", "pictures", "reason", "from")


def write_summary(graph: Mapping[str, Any], ledger: Ledger, out: Path) -> None:
    """Writes summary.csv and summary.json into `out`, row by row. Raises OSError."""
    _write(out / TABLE, _table(graph, ledger))
    _write(out / DATA, _data(graph, ledger))


def _write(path: Path, lines: Iterator[str]) -> None:
    # Texts of servers and rows may hold halves of characters, which no file takes.
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        stream.writelines(lines)


def _table(graph: Mapping[str, Any], ledger: Ledger) -> Iterator[str]:
    columns: dict[str, None] = {}
    for entry in ledger.entries():
        columns.update(dict.fromkeys(describe_changes(graph, entry.changes)))
    line = _CsvLine()
    yield line.of([*FIXED, *columns])
    for entry in ledger.entries():
        changes = describe_changes(graph, entry.changes)
        fixed = (entry.number, entry.name, entry.state, entry.attempts, entry.seconds)
        rest = (" ".join(entry.files), entry.reason, entry.place)
        yield line.of([*fixed, *rest, *(changes.get(name, "") for name in columns)])


def _data(graph: Mapping[str, Any], ledger: Ledger) -> Iterator[str]:
    head = {"schema": SCHEMA, "counts": ledger.counts()}
    yield json.dumps(head)[:-1] + ', "rows": ['
    for index, entry in enumerate(ledger.entries()):
        yield (",\n" if index else "\n") + json.dumps(_row(graph, entry), ensure_ascii=False)
    yield "\n]}\n"


def _row(graph: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    return {
        "row": entry.number,
        "name": entry.name,
        "state": entry.state,
        "attempts": entry.attempts,
        "seconds": entry.seconds,
        "pictures": entry.files,
        "reason": entry.reason,
        "from": entry.place,
        "inputs": describe_changes(graph, entry.changes),
        "texts": entry.texts,
        "prompt_id": entry.prompt_id,
        "server": entry.server,
    }


# A spreadsheet runs a text that begins like a formula, also one that it takes for a cell of its own: those with semicolons
# between their columns begin one after each, and at each line, for our quotation marks then stand within a cell.
FORMULA = re.compile(r"(^|[;\t\r\n])([\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def _safe(value: Any) -> Any:
    """The value with an apostrophe before what would be run."""
    return FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else value


class _CsvLine:
    """One line at a time from the csv writer."""

    def __init__(self) -> None:
        self._text = ""
        self._writer = csv.writer(self)

    def write(self, text: str) -> int:
        """What csv.writer calls."""
        self._text = text
        return len(text)

    def of(self, cells: list[Any]) -> str:
        """The cells, made safe, as a line, end of line included."""
        self._writer.writerow([_safe(cell) for cell in cells])
        return self._text
