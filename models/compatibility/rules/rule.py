"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..facts import Facts
from ..finding import Finding

Check = Callable[[Facts], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One thing that is checked: its id (part of every report, so it never changes), what it says, and how it looks."""

    id: str
    title: str
    check: Check
