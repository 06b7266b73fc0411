"""Files of the user that would repair a finding, nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from ..files.index import ModelFile, ModelIndex
from .finding import Finding, Wanted

MOST = 3


class Suggestions:
    """Looks through the user's folders once, and only when a finding asks for a file."""

    def __init__(self, index: ModelIndex):
        self._index = index
        self._files: dict[tuple[str, ...], list[ModelFile]] = {}

    def complete(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with their candidates."""
        return [
            replace(found, candidates=self.candidates(found.wanted)) if found.wanted else found for found in findings
        ]

    def candidates(self, wanted: Wanted) -> tuple[str, ...]:
        """Up to three names that fit, the one most like the present name first."""
        fitting = [file.name for file in self._in(wanted.folders) if wanted.fits(file) and file.name != wanted.like]
        return tuple(sorted(fitting, key=lambda name: (-_likeness(name, wanted.like), name))[:MOST])

    def _in(self, folders: tuple[str, ...]) -> list[ModelFile]:
        if folders not in self._files:
            self._files[folders] = list(self._index.files(folders))
        return self._files[folders]


def _likeness(name: str, like: str) -> float:
    one, other = (PurePosixPath(text.lower().replace("\\", "/")) for text in (name, like))
    same_folder = 0.1 if one.parent == other.parent else 0.0
    return SequenceMatcher(None, one.stem, other.stem, autojunk=False).ratio() + same_folder
