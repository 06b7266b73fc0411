"""The example graphs of released versions, as people saved them: tests/graphs/VERSION/NAME.json, and api/NAME.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .example_graphs import WORKFLOWS

KEPT = Path(__file__).resolve().parents[1] / "graphs"
FOLDERS = sorted(folder for folder in KEPT.iterdir() if folder.is_dir()) if KEPT.is_dir() else []
GRAPHS = [(folder.name, path.stem) for folder in FOLDERS for path in sorted(folder.glob("*.json"))]
ALWAYS = "control_signal"  # tried even while it is as today, so that what tries the others is itself tried


def kept(version: str, part: str) -> Any:
    """A kept file: NAME.json or api/NAME.json."""
    return json.loads((KEPT / version / part).read_text(encoding="utf-8"))


def has_changed(version: str, part: str) -> bool:
    """Whether today's example is another, or gone: what is the same is tried by the tests of today's."""
    today = WORKFLOWS / part
    return not today.is_file() or json.loads(today.read_text(encoding="utf-8")) != kept(version, part)


def worth_trying(form: str) -> list[tuple[str, str]]:
    """(version, name) of the graphs to try; form: "" for graphs as saved, "api/" for API prompts."""
    return [one for one in GRAPHS if one[1] == ALWAYS or has_changed(one[0], f"{form}{one[1]}.json")]
