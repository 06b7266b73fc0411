"""Lines of a report that want attention. They come first, and the editor's script marks them by how they begin."""

from __future__ import annotations

from collections.abc import Iterable

WARNING = "Warning: "


def warning(sentence: str) -> str:
    """The sentence as a line of its own that wants attention."""
    return WARNING + sentence


def warnings_first(lines: Iterable[str]) -> list[str]:
    """The same lines: those that want attention, then the rest, each in the order in which they came."""
    return sorted(lines, key=lambda line: not line.startswith(WARNING))
