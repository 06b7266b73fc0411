"""A copy of a prompt in which findings are repaired."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Any

from ...common.short_text_cache import short_text_cache
from ..files.index import ModelFile, ModelIndex, as_listed
from .finding import Change, Finding, Wanted


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


def change_of(finding: Finding) -> Change | None:
    """How a finding would be repaired; None when a person has to decide."""
    if finding.change is not None:
        return finding.change
    if finding.wanted is not None and finding.candidates:
        return Change(finding.wanted.node, finding.wanted.input, finding.wanted.put(finding.candidates[0]))
    return None


# Files of the user that would repair a finding, nearest first.

MOST = 3


class Suggestions:
    """Looks through the user's folders once, and only when a finding asks for a file."""

    def __init__(self, index: ModelIndex):
        self._index = index
        self._files: dict[tuple[str, ...], list[ModelFile]] = {}
        self._known: dict[tuple[object, ...], tuple[str, ...]] = {}  # thousands of nodes may want the same

    def complete(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with their candidates."""
        return [
            found._replace(candidates=self.candidates(found.wanted)) if found.wanted else found for found in findings
        ]

    def candidates(self, wanted: Wanted) -> tuple[str, ...]:
        """Up to three names that fit, as the host lists them, the one most like the present name first."""
        key = (wanted.folders, wanted.fits, wanted.like)
        if key not in self._known:
            self._known[key] = self._candidates(wanted)
        return self._known[key]

    def _candidates(self, wanted: Wanted) -> tuple[str, ...]:
        names = [as_listed(file.name) for file in self._in(wanted.folders) if wanted.fits(file)]
        fitting = [name for name in names if name != wanted.like]
        return tuple(sorted(fitting, key=lambda name: (-_likeness(name, wanted.like), name))[:MOST])

    def _in(self, folders: tuple[str, ...]) -> list[ModelFile]:
        if folders not in self._files:
            self._files[folders] = list(self._index.files(folders))
        return self._files[folders]


@short_text_cache  # thousands of nodes may name one file
def _likeness(name: str, like: str) -> float:
    one, other = (PurePosixPath(text.lower().replace("\\", "/")) for text in (name, like))
    same_folder = 0.1 if one.parent == other.parent else 0.0
    return SequenceMatcher(None, one.stem, other.stem, autojunk=False).ratio() + same_folder
