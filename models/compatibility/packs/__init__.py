"""Nodes of other packs: names and types, recorded from their public sources, one JSON file a pack.

`in` and `out` are types by input name and in the order of the outputs; `files` says which model folder an input's list
comes from. A type that a running server tells comes before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..node_types import ANY, NodeTypes

_MORE_OUTPUTS = (ANY,) * 16  # another version of a pack may have outputs that this one has not


@dataclass(frozen=True)
class PackNode:
    """A node of another pack. files: the model folder behind an input, by the input's name."""

    pack: str
    types: NodeTypes
    files: Mapping[str, str]


@cache
def pack_nodes() -> Mapping[str, PackNode]:
    """Every recorded node by its class type."""
    nodes: dict[str, PackNode] = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        for name, entry in table["nodes"].items():
            types = NodeTypes(entry.get("in", {}), (*entry.get("out", ()), *_MORE_OUTPUTS), {})
            nodes.setdefault(name, PackNode(table["pack"], types, entry.get("files", {})))
    return nodes


def packs() -> dict[str, int]:
    """How many nodes are recorded of each pack."""
    counted: dict[str, int] = {}
    for node in pack_nodes().values():
        counted[node.pack] = counted.get(node.pack, 0) + 1
    return dict(sorted(counted.items(), key=lambda one: one[0].lower()))
