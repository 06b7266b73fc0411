"""The team's own sheet, armature.json: combinations that people have validated or refused."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...common.atomic_write import write_text
from ...common.file_lock import locked
from .combination import Combination, Made, Part, combinations
from .facts import Facts
from .finding import Finding, Severity, finding
from .understanding import not_understood

SCHEMA = "armature.sheet/1"
Standing = Literal["validated", "refused", "known_family", "unknown"]


class SheetError(ValueError):
    """A sheet that cannot be read; the message says which file, what is wrong and what to do."""


@dataclass(frozen=True)
class Entry:
    """One combination of the sheet. adherence: what a person measured, 0 to 1, or None."""

    verdict: Literal["validated", "refused"]
    combination: Combination
    date: str
    note: str = ""
    adherence: float | None = None

    def as_json(self) -> dict[str, Any]:
        more = {"adherence": self.adherence} if self.adherence is not None else {}
        return {"verdict": self.verdict, **self.combination.as_json(), "date": self.date, "note": self.note, **more}


@dataclass(frozen=True)
class Judged:
    """A combination of a graph with what the sheet says of it."""

    combination: Combination
    standing: Standing
    entry: Entry | None

    def as_json(self) -> dict[str, Any]:
        return {
            "sampler": self.combination.sampler,
            "combination": str(self.combination),
            "standing": self.standing,
            "note": self.entry.note if self.entry else "",
            "date": self.entry.date if self.entry else "",
            "samplers": list(self.combination.samplers),
        }

    def __str__(self) -> str:
        told = f" ({self.entry.date}{': ' + self.entry.note if self.entry.note else ''})" if self.entry else ""
        said = {
            "validated": "validated by your team",
            "refused": "refused by your team",
            "known_family": "not validated itself, but a combination of the same families is",
            "unknown": "not in your team's sheet",
        }[self.standing]
        return f"{self.combination}: {said}{told}."


@dataclass(frozen=True)
class Sheet:
    """All entries, the later ones first: a later verdict on the same combination counts."""

    entries: tuple[Entry, ...] = ()

    def judge(self, combination: Combination) -> Judged:
        """What the sheet says of a combination."""
        known = () if combination.unread else self.entries  # a verdict on one missing file is none on another
        same = next((entry for entry in known if entry.combination.key == combination.key), None)
        if same is not None:
            return Judged(combination, same.verdict, same)
        alike = next(
            (
                entry
                for entry in self.entries
                if entry.verdict == "validated" and entry.combination.family_key == combination.family_key
            ),
            None,
        )
        return Judged(combination, "known_family" if alike else "unknown", alike)


def read_sheets(paths: Iterable[Path]) -> Sheet | None:
    """All sheets that are there, as one; None when there is none. Raises SheetError."""
    found = [path for path in paths if path.is_file()]
    return Sheet(tuple(entry for path in found for entry in reversed(_read(path)))) if found else None


def add_entries(path: Path, entries: Iterable[Entry]) -> None:
    """Write entries to the end of a sheet, made when it is not there.

    Of those who write at once, threads or processes, each waits for the one before, and nobody's entries are lost. Raises
    SheetError for a sheet that cannot be read, OSError for one that cannot be written.
    """
    with locked(path.with_name(f".{path.name}.lock")):
        old = [entry.as_json() for entry in _read(path)] if path.is_file() else []
        table = {"schema": SCHEMA, "combinations": [*old, *(entry.as_json() for entry in entries)]}
        write_text(path, json.dumps(table, indent=2, ensure_ascii=False) + "\n")


def check_adherence(adherence: object) -> None:
    """Raises SheetError for what is no measured adherence; None is none."""
    is_share = isinstance(adherence, (int, float)) and not isinstance(adherence, bool) and 0 <= adherence <= 1
    if adherence is not None and not is_share:
        raise SheetError(f"adherence is {adherence!r}; it must be a number between 0 and 1.")


def entries_of(
    facts: Facts, verdict: Literal["validated", "refused"], note: str = "", adherence: float | None = None
) -> list[Entry]:
    """A verdict on each combination of a graph. Raises SheetError when there is none, or a file of it cannot be read."""
    check_adherence(adherence)
    entries = [Entry(verdict, one, today(), note, adherence) for one in combinations(facts)]
    if not entries:
        raise SheetError(
            "this graph has no sampler whose model could be followed to a file: there is nothing to record."
        )
    missing = dict.fromkeys(part.name for entry in entries for part in entry.combination.unread)
    if missing:
        raise SheetError(
            f"{', '.join(missing)} is not there, or cannot be read, and a verdict holds for a file's content: nothing was "
            "recorded. Put the file into a model folder, then record."
        )
    return entries


def today() -> str:
    """The date for a new entry."""
    return datetime.date.today().isoformat()


def _read(path: Path) -> list[Entry]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["schema"] != SCHEMA:
            raise SheetError(
                f"The sheet {path} has the schema {table['schema']!r}, and this version reads {SCHEMA!r}. "
                "Update Armature, or make a new sheet."
            )
        return [_entry(row) for row in table["combinations"]]
    except SheetError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise SheetError(
            f"The sheet {path} cannot be read ({type(error).__name__}: {error}). Correct it by its schema, or move it away."
        ) from None


def _entry(row: Mapping[str, Any]) -> Entry:
    if row["verdict"] not in ("validated", "refused"):
        raise ValueError(f"verdict is {row['verdict']!r}, not validated or refused")
    controls = tuple((_part(one["file"]), _made(one.get("preprocessor"))) for one in row.get("controls", []))
    combination = Combination("", _part(row["checkpoint"]), controls)
    adherence = row.get("adherence")
    return Entry(
        row["verdict"],
        combination,
        str(row["date"]),
        str(row.get("note", "")),
        None if adherence is None else float(adherence),
    )


def _part(row: Mapping[str, Any]) -> Part:
    return Part(str(row["name"]), str(row["hash"]), tuple(str(one) for one in row.get("families", ())))


def _made(row: Mapping[str, Any] | None) -> Made | None:
    if row is None:
        return None
    return Made(str(row["node"]), row.get("version"), tuple(sorted(dict(row.get("options", {})).items())))


# What the team's sheet says of a graph, and what follows from it under each policy.

REFUSED, NOT_VALIDATED = "refused_by_team", "not_validated"


def judged(facts: Facts, sheet: Sheet | None, policy: str) -> tuple[Judged, ...]:
    """Each combination of the graph with its standing; nothing without a sheet, unless the policy asks for one."""
    if sheet is None and policy != "validated_only":
        return ()
    return tuple((sheet or Sheet()).judge(one) for one in combinations(facts))


def verdicts(facts: Facts, verdict: Judged, policy: str) -> Iterator[Finding]:
    """Refused combinations under any policy; all that are not validated under validated_only."""
    only = policy == "validated_only"
    severity: Severity = "error" if only else "warning"
    node = facts.nodes[verdict.combination.sampler]
    who = " and ".join(facts.nodes[key].label for key in verdict.combination.samplers)
    if verdict.standing == "refused":
        note = f": {verdict.entry.note}" if verdict.entry and verdict.entry.note else ""
        text = f"{who}: your team has refused {verdict.combination}{note}."
        yield finding(severity, node, "", text, "Use a combination that it has validated.")._replace(rule=REFUSED)
    elif only and verdict.standing != "validated":
        text = f"{who}: {verdict}"
        fix = "Validate it and add it to armature.json (armature.py check --record validated), or use another one."
        yield finding("error", node, "", text, fix)._replace(rule=NOT_VALIDATED)


def unvalidated(facts: Facts, standing: Iterable[Judged]) -> Iterator[Finding]:
    """Under validated_only: what no combination holds, because it was not understood or has no model that is a file."""
    judged_samplers = {key for one in standing for key in one.combination.samplers}
    for node, base in facts.samplers:
        if node.id not in judged_samplers and node.id not in facts.inactive:
            told = f"passes through {base.unsure}" if base.unsure else "comes out of no file"
            text = f"{node.label}: its model {told}, so it is not validated."
            fix = "Choose the model in one of ComfyUI's own loaders."
            yield finding("error", node, "", text, fix)._replace(rule=NOT_VALIDATED)
    missed = not_understood(facts)
    names = (*missed.node_types, *missed.file_names, *(node.label for node in missed.samplers))
    loaded = [use for use in facts.all_uses if "MODEL" in use.takes.gives and use.node.id not in facts.inactive]
    if names:
        node = next(iter((*missed.nodes, *(use.node for use in missed.files), *missed.samplers)))
        text = f"Not all of this graph was understood, and what is not understood is not validated: {', '.join(names[:12])}."
        fix = "Check it on the ComfyUI that has these nodes, or take them out."
        yield finding("error", node, "", text, fix)._replace(rule=NOT_VALIDATED)
    elif loaded and not facts.samplers:
        text = f"'{loaded[0].name}' is loaded, but no sampler of it was found, so nothing of this graph is validated."
        yield finding("error", loaded[0].node, loaded[0].input, text)._replace(rule=NOT_VALIDATED)
