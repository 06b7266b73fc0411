"""The combinations in a graph that a team validates: a checkpoint with a control net and what feeds it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...common.digests import sha256_of_json
from ...common.file_stamp import FileStamp, file_stamp
from ..files.header import BrokenFile
from .control_nodes import is_merge
from .facts import Facts, own_method
from .file_uses import FileUse
from .finding import first_of
from .prompt import Node

_BLOCK, _BLOCKS = 4096, 64


@dataclass(frozen=True)
class Part:
    """A file of a combination: its name, for people, and its hash, which counts."""

    name: str
    hash: str
    families: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "hash": self.hash, "families": list(self.families)}


@dataclass(frozen=True)
class Made:
    """A preprocessor of a combination: node, version of its method (None for other packs), and its options in order."""

    node: str
    version: int | None
    options: tuple[tuple[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        return {"node": self.node, "version": self.version, "options": dict(self.options)}


@dataclass(frozen=True)
class Combination:
    """A checkpoint, and each control net in its sampling with the preprocessor that feeds it (None: a picture).

    sampler: the first of `samplers`, the ids of all nodes that sample with it.
    """

    sampler: str
    checkpoint: Part
    controls: tuple[tuple[Part, Made | None], ...]
    samplers: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the sheet."""
        return {
            "checkpoint": self.checkpoint.as_json(),
            "controls": [
                {"file": part.as_json(), "preprocessor": made.as_json() if made else None}
                for part, made in self.controls
            ],
        }

    @property
    def unread(self) -> tuple[Part, ...]:
        """The parts whose files are not there or could not be read."""
        return tuple(part for part in (self.checkpoint, *(part for part, _ in self.controls)) if not part.hash)

    @property
    def key(self) -> tuple[Any, ...]:
        """What must be equal for two combinations to be the same."""
        made = [
            (part.hash, made.node if made else "", made and (made.version, made.options))
            for part, made in self.controls
        ]
        return (self.checkpoint.hash, tuple(sorted(made, key=repr)))

    @property
    def family_key(self) -> tuple[Any, ...]:
        """What must be equal for two combinations to be of one family."""
        made = [(part.families, made.node if made else "") for part, made in self.controls]
        return (self.checkpoint.families, tuple(sorted(made)))

    def __str__(self) -> str:
        nets = [f"{part.name} fed by {made.node if made else 'a picture'}" for part, made in self.controls]
        return " with ".join([self.checkpoint.name, ", ".join(nets) or "no control"])


def combinations(facts: Facts) -> Iterator[Combination]:
    """One for each sampler whose model comes from one file, or is merged from files; each combination once."""
    from .rules.controls import controls_into

    found: dict[tuple[Any, ...], Combination] = {}
    for node, base in facts.samplers:
        if base.unsure or not base.sources or node.id in facts.inactive:
            continue
        checkpoint = _part(first_of(base.sources)) if len(base.sources) == 1 else _merged(facts, node, base.sources)
        controls = []
        for control in controls_into(facts, node):
            if len(control.net.sources) == 1:
                made = _made(control.maker) if control.maker else None
                controls.append((_part(first_of(control.net.sources)), made))
        one = Combination(node.id, checkpoint, tuple(sorted(controls, key=repr)), (node.id,))
        old = found.get(one.key)
        found[one.key] = one if old is None else replace(old, samplers=(*old.samplers, node.id))
    yield from found.values()


def _merged(facts: Facts, sampler: Node, sources: frozenset[FileUse]) -> Part:
    """A model that is merged of several: the same only with the same files, merged by the same nodes at the same settings."""
    parts = sorted((_part(use) for use in sources), key=repr)
    waiting, steps = [edge.source for edge in facts.graph.feeds(sampler.id, "MODEL", "GUIDER")], []
    seen = set(waiting)
    while waiting:
        node = facts.nodes[waiting.pop()]
        if is_merge(node.class_type):
            steps.append(repr((node.class_type, _made(node).options)))
        before = {edge.source for edge in facts.graph.feeds(node.id, "MODEL", "GUIDER")} - seen
        seen |= before
        waiting += sorted(before)
    known = all(part.hash for part in parts)
    told = sha256_of_json([[part.hash for part in parts], sorted(steps)])
    families = tuple(dict.fromkeys(family for part in parts for family in part.families))
    return Part(" + ".join(part.name for part in parts), f"merge:{told}" if known else "", families)


def _part(use: FileUse) -> Part:
    if use.file is None:
        return Part(use.name, "", use.families)
    try:
        digest = block_hash(file_stamp(use.file.path))
    except (OSError, BrokenFile):
        digest = ""
    return Part(use.name, digest, use.families)


def _made(node: Node) -> Made:
    options = tuple(sorted((name, value) for name, value in node.inputs.items() if name not in node.links))
    own = own_method(node)
    return Made(node.class_type, own.version if own else None, options)


@lru_cache(maxsize=1024)
def block_hash(stamp: FileStamp) -> str:
    """SHA-256 over a file's size, its beginning and 64 blocks spread evenly over it, as 'blocks:…'.

    It tells trained weights apart in milliseconds, where reading a checkpoint whole takes seconds. It is no proof against
    somebody who changes a file on purpose between the blocks.
    """
    name, size, _ = stamp
    digest = hashlib.sha256(str(size).encode())
    with Path(name).open("rb") as file:
        digest.update(file.read(_BLOCK))
        for number in range(_BLOCKS):
            file.seek(max(0, (size - _BLOCK) * number // _BLOCKS))
            digest.update(file.read(_BLOCK))
    return f"blocks:{digest.hexdigest()}"
