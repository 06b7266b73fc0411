"""What came of a conversion, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from .convert import SCHEMA, Converted, Turned


def as_text(made: Converted) -> str:
    """The report for people: what was turned, then what stays and why."""
    lines = []
    if made.turned:
        lines.append(f"Turned {_nodes(len(made.turned))}{_by_pack(Counter(one.pack for one in made.turned))}:")
        said: set[str] = set()
        lines += [line for one in made.turned for line in _turned(one, said)]
    if made.kept:
        lines.append(f"Kept {_nodes(len(made.kept))}{_by_pack(Counter(one.pack for one in made.kept))}:")
        lines += [f"  {one.node}: {one.why}." for one in made.kept]
    if not lines:
        lines.append("There is no node here that Armature could take over.")
    return "\n".join([*lines, f"{_nodes(made.others)} of other kinds stayed as they were."])


def as_json(made: Converted) -> dict[str, Any]:
    """The report as JSON, without the graph."""
    turned = [
        {**asdict(one), "into": [{"title": title, "node": key} for title, key in one.into]} for one in made.turned
    ]
    return {"schema": SCHEMA, "turned": turned, "kept": [asdict(one) for one in made.kept], "others": made.others}


def _turned(one: Turned, said: set[str]) -> list[str]:
    """One node; what was told for another one already is not told again."""
    into = ", ".join(f"{title} (node {key})" for title, key in one.into) or "nothing: it did nothing"
    notes = [note for note in one.notes if note not in said]
    said.update(notes)
    return [f"  {one.node} -> {into}", *(f"      {note}." for note in notes)]


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"


def _by_pack(counts: Counter[str]) -> str:
    return f" ({', '.join(f'{name} {count}' for name, count in sorted(counts.items()))})" if len(counts) > 1 else ""
