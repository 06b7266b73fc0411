"""Nodes of other packs: names and types, recorded from their public sources, one JSON file a pack.

`in` and `out` are types by input name and in the order of the outputs; `files` says which model folder an input's list
comes from. A type that a running server tells comes before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..node_types import ANY, NodeTypes

_MORE_OUTPUTS = (ANY,) * 16  # another version of a pack may have outputs that this one has not


@dataclass(frozen=True)
class PackNode:
    """A node of another pack. files: the model folder behind an input, by the input's name."""

    pack: str
    types: NodeTypes
    files: Mapping[str, str]


@dataclass(frozen=True)
class Pack:
    """A recorded pack: where it comes from, and how many of its nodes are known, of which so many load files."""

    name: str
    source: str
    nodes: int
    loaders: int


@cache
def pack_nodes() -> Mapping[str, PackNode]:
    """Every recorded node by its class type."""
    nodes: dict[str, PackNode] = {}
    for table in _tables():
        for name, entry in table["nodes"].items():
            types = NodeTypes(entry.get("in", {}), (*entry.get("out", ()), *_MORE_OUTPUTS), {})
            nodes.setdefault(name, PackNode(table["pack"], types, entry.get("files", {})))
    return nodes


def packs() -> list[Pack]:
    """All recorded packs, by name."""
    found = [
        Pack(
            table["pack"], table["source"], len(table["nodes"]), sum("files" in one for one in table["nodes"].values())
        )
        for table in _tables()
    ]
    return sorted(found, key=lambda one: one.name.lower())


def _tables() -> Iterator[dict[str, Any]]:
    for path in sorted(Path(__file__).parent.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
