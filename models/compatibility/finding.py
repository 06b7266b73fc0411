"""What a rule says about a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from ..files.index import ModelFile
from .file_uses import FileUse
from .prompt import Node

Severity = Literal["error", "warning", "hint", "unknown"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""error: it will fail or be ignored; warning: it will work badly; hint: worth a look; unknown: it could not be checked."""


@dataclass(frozen=True)
class FileNote:
    """A file as a finding shows it."""

    name: str
    folder: str
    title: str
    families: tuple[str, ...]

    @classmethod
    def of(cls, use: FileUse) -> FileNote:
        """The file behind an input."""
        folder = use.file.folder if use.file else use.takes.folders[0]
        return cls(use.name, folder, use.identity.title if use.identity else "", use.families)


@dataclass(frozen=True)
class Wanted:
    """Which of the user's files would repair a finding, for which input.

    like: the name that good candidates resemble. put: the input's value with one of them in it.
    """

    node: str
    input: str
    folders: tuple[str, ...]
    fits: Callable[[ModelFile], bool]
    like: str
    put: Callable[[str], Any]


@dataclass(frozen=True)
class Change:
    """A value that would repair a finding, put into one input."""

    node: str
    input: str
    value: Any


class Finding(NamedTuple):
    """One thing that a person should know before the graph runs.

    text: what is wrong; fix: what to do. wanted and change: how it can be repaired by a file, or by a value.
    candidates: files of the user that fit, nearest first, once they have been looked for.
    """

    rule: str
    severity: Severity
    node: str
    class_type: str
    title: str
    input: str
    text: str
    fix: str = ""
    files: tuple[FileNote, ...] = ()
    wanted: Wanted | None = None
    change: Change | None = None
    candidates: tuple[str, ...] = ()


def finding(
    severity: Severity,
    node: Node,
    name: str,
    text: str,
    fix: str = "",
    files: tuple[FileUse, ...] = (),
    wanted: Wanted | None = None,
    change: Change | None = None,
) -> Finding:
    """A finding about an input of a node; the rule's id is put in by the engine."""
    notes = tuple(FileNote.of(use) for use in files)
    return Finding("", severity, node.id, node.class_type, node.title, name, text, fix, notes, wanted, change)


def wanted_for(use: FileUse, fits: Callable[[ModelFile], bool]) -> Wanted:
    """A file for the same input that fits."""
    return Wanted(use.node.id, use.input, use.takes.folders, fits, use.name, use.put)


# Kinds that take each other's place in a graph; a file of any other kind is replaced by one of its own.
_ALIKE = (frozenset({"controlnet", "control_lora", "t2i_adapter"}), frozenset({"checkpoint", "diffusion_model"}))


def wants_family(use: FileUse, families: tuple[str, ...]) -> Wanted:
    """A file like this one, that the input takes, for one of these base families."""
    return wanted_for(use, _like(use.kind, use.takes.kinds, families))


@lru_cache(maxsize=256)  # the same question is the same function, so that its answer is looked for once
def _like(kind: str, takes: tuple[str, ...], families: tuple[str, ...]) -> Callable[[ModelFile], bool]:
    alike = next((group for group in _ALIKE if kind in group), frozenset({kind}))
    kinds = alike.intersection(takes) or frozenset(takes)

    def fits(file: ModelFile) -> bool:
        identity = file.identity
        return identity is not None and identity.kind in kinds and bool(set(identity.families) & set(families))

    return fits


def named(use: FileUse) -> str:
    """'name', a ControlNet for SDXL."""
    return f"'{use.name}' ({use.identity.title})" if use.identity else f"'{use.name}'"


def base_families(uses: frozenset[FileUse]) -> tuple[str, ...]:
    """The families of some base files, each once."""
    return tuple(dict.fromkeys(family for use in _sorted(uses) for family in use.families))


def first_of(uses: frozenset[FileUse]) -> FileUse:
    """One of some files, always the same."""
    return _sorted(uses)[0]


def _sorted(uses: frozenset[FileUse]) -> list[FileUse]:
    if len(uses) < 2:  # nearly always
        return list(uses)
    return sorted(uses, key=lambda use: (use.node.id, use.input, str(use.path)))
