"""The types of a node's inputs and outputs, as the server's /object_info tells them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from .widgets import Part, part_as_json, part_from_json, part_from_object_info

ANY = "*"
_RECORDED = tuple(Path(__file__).with_name(name) for name in ("host_nodes.json", "partner_nodes.json"))


@dataclass(frozen=True)
class NodeTypes:
    """Types by input name, and of the outputs in order.

    growing: types of inputs whose number grows, by the part of their names before the dot. part: how the editor shows the
    node, which is needed to read a saved graph; None where that is not known.
    """

    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    growing: Mapping[str, str]
    part: Part | None = None

    def input_type(self, name: str) -> str | None:
        """The type of an input, also of one in a growing list (`signals.signal_0`) or that a choice adds (`method.mask`)."""
        head, _, rest = name.partition(".")
        return self.inputs.get(name) or self.growing.get(head) or _added_type(self.part or Part(), head, rest)

    def output_type(self, slot: int) -> str | None:
        """The type of an output; None when it has no such output."""
        return self.outputs[slot] if 0 <= slot < len(self.outputs) else None


def _added_type(part: Part, head: str, rest: str) -> str | None:
    """The type of an input that some choice of a dynamic combo adds."""
    choices = next((widget.parts for widget in part.widgets if widget.parts and widget.name == head), None) or {}
    for chosen in choices.values():
        types = {**dict(chosen.sockets), **{widget.name: widget.type for widget in chosen.widgets}}
        found = types.get(rest) or chosen.growing.get(rest.partition(".")[0])
        if found:
            return found
    return None


TypesOf = Callable[[str], NodeTypes | None]
"""class_type -> its types, or None for a node that is not known."""


def from_object_info(class_type: str, info: Mapping[str, Any]) -> NodeTypes:
    """The types of one node in the form of /object_info."""
    inputs: dict[str, str] = {}
    growing: dict[str, str] = {}
    for group in ("required", "optional"):
        for name, spec in (info.get("input") or {}).get(group, {}).items():
            kind = spec[0] if isinstance(spec, (list, tuple)) and spec else spec
            if isinstance(kind, str) and kind.startswith("COMFY_AUTOGROW"):
                growing[name] = _grown_type(spec)
            else:
                inputs[name] = _plain(kind)
    outputs = tuple(_plain(one) for one in info.get("output") or ())
    return NodeTypes(inputs, outputs, growing, part_from_object_info(class_type, info))


def described(class_type: str, info: object) -> NodeTypes | None:
    """The types of a node that anybody describes; None, as for one that is not known, where that is in no form of the host's."""
    try:
        return from_object_info(class_type, info) if isinstance(info, Mapping) else None
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError):
        return None


def _plain(kind: Any) -> str:
    """A list of choices is a COMBO; a type that follows what is linked is any type."""
    if not isinstance(kind, str):
        return "COMBO"
    return ANY if kind.startswith("COMFY_MATCHTYPE") else kind


def _grown_type(spec: Any) -> str:
    try:
        template = spec[1]["template"]["input"]
        (kind,) = {one[0] for group in template.values() for one in group.values()}
    except (LookupError, TypeError, ValueError, AttributeError):
        return ANY
    return kind if isinstance(kind, str) else ANY


def from_table(table: Mapping[str, Any]) -> TypesOf:
    """Types out of a whole /object_info answer, read when they are asked for."""

    @cache
    def types_of(class_type: str) -> NodeTypes | None:
        return described(class_type, table.get(class_type))

    return types_of


@lru_cache(maxsize=1)
def recorded() -> TypesOf:
    """The types of the host's own nodes and of ours, as they were recorded; for use without a server."""
    table = {name: entry for path in _RECORDED for name, entry in _entries(path).items()}
    types = {
        name: NodeTypes(
            entry.get("in", {}),
            tuple(entry.get("out", ())),
            entry.get("growing", {}),
            part_from_json(entry.get("part", {})),
        )
        for name, entry in table.items()
    }
    return types.get


def _entries(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))["nodes"]


def record(object_info: Mapping[str, Any]) -> dict[str, Any]:
    """The compact form of an /object_info answer that `recorded` reads."""
    nodes = {}
    for name, info in sorted(object_info.items()):
        types = from_object_info(name, info)
        entry = {"in": dict(types.inputs), "out": list(types.outputs), "growing": dict(types.growing)}
        entry["part"] = part_as_json(types.part or Part())
        nodes[name] = {key: value for key, value in entry.items() if value}
    return {"nodes": nodes}


def layered(*tables: TypesOf) -> TypesOf:
    """The first of several tables that knows a node."""

    def types_of(class_type: str) -> NodeTypes | None:
        return next((found for table in tables if (found := table(class_type)) is not None), None)

    return types_of
