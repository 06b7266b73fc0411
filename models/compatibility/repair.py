"""A copy of a prompt in which findings are repaired."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .finding import Change, Finding


@dataclass(frozen=True)
class Repaired:
    """The repaired copy, and what was changed in it."""

    prompt: dict[str, Any]
    changes: tuple[Change, ...]


def repair(prompt: Mapping[str, Any], findings: Iterable[Finding]) -> Repaired:
    """Put the nearest fitting file, or the right value, into each input that a finding can repair.

    The prompt itself stays as it is. Where two findings want the same input, the first (most severe) one counts.
    """
    inner = prompt.get("prompt")
    copied = copy.deepcopy(dict(inner if isinstance(inner, Mapping) and "class_type" not in inner else prompt))
    changes: list[Change] = []
    done: set[tuple[str, str]] = set()
    for found in findings:
        change = change_of(found)
        if change is None or (change.node, change.input) in done or change.node not in copied:
            continue
        done.add((change.node, change.input))
        copied[change.node].setdefault("inputs", {})[change.input] = change.value
        changes.append(change)
    return Repaired(copied, tuple(changes))


def change_of(found: Finding) -> Change | None:
    """How a finding would be repaired; None when a person has to decide."""
    if found.change is not None:
        return found.change
    if found.wanted is not None and found.candidates:
        return Change(found.wanted.node, found.wanted.input, found.candidates[0])
    return None
