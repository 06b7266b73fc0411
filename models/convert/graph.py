"""A graph while it is converted, the same for API prompts and saved graphs: nodes by id, their inputs by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ..compatibility.editor_nodes import REROUTE
from ..compatibility.node_types import TypesOf
from ..compatibility.prompt import Link


@dataclass
class Node:
    """One node. inputs: by name a value, or a Link where it is linked; beneath: the values that linked widgets have all the same.

    mode: 0 when it runs, MUTED or BYPASSED. unread: why its values cannot be told, "" where they can. beside: the node that a
    new one stands beside; changed: whether its type is no longer that of the file. renamed: where the widgets have gone that
    it had, as (id, name) by their old name.
    """

    id: str
    kind: str
    inputs: dict[str, Any] = field(default_factory=dict)
    beneath: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    mode: int = 0
    unread: str = ""
    beside: str = ""
    changed: bool = False
    renamed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def link(self, name: str) -> Link | None:
        """What is linked to an input."""
        found = self.inputs.get(name)
        return found if isinstance(found, Link) else None

    def value(self, name: str, default: Any = None) -> Any:
        """The value of an input; the default where it has none or is linked."""
        found = self.inputs.get(name, default)
        return default if isinstance(found, Link) else found

    @property
    def label(self) -> str:
        """'Apply' (node 3, ControlNetApply) for a person."""
        if not self.kind:
            return "the end of its subgraph"
        return f"'{self.title}' (node {self.id}, {self.kind})" if self.title else f"{self.kind} (node {self.id})"


class Keep(Exception):
    """A node cannot be turned; the message says why, and what one can do."""


Moved = Mapping[str, str]
"""Inputs of a new node by what the old one called them."""


class Graph:
    """The nodes of one graph, and what conversions do to them.

    nodes: by id; a subgraph's own ends are nodes too, without a type. new_id: gives an id that no node of the file has.
    """

    def __init__(self, nodes: dict[str, Node], new_id: Callable[[], str], types_of: TypesOf):
        self.nodes = nodes
        self.types_of = types_of
        self._new_id = new_id
        self._twins: dict[tuple[str, str], Node] = {}
        self.went: dict[str, list[str]] = {}
        """Ids of the nodes that the values of another have gone into."""

    def source(self, node: Node, name: str) -> tuple[Node, int] | None:
        """The node, and the number of its output, that an input takes its value from; Reroutes are passed by."""
        link = node.link(name)
        for _ in range(len(self.nodes)):
            found = self.nodes.get(link.node) if link else None
            if link is None or found is None:
                return None
            if found.kind != REROUTE:
                return found, link.slot
            link = next((one for one in found.inputs.values() if isinstance(one, Link)), None)
        return None

    def users(self, node: Node, slot: int) -> list[tuple[Node, str]]:
        """The inputs that take their value from an output."""
        return [
            (other, name)
            for other in self.nodes.values()
            for name, value in other.inputs.items()
            if value == Link(node.id, slot)
        ]

    def is_used(self, node: Node) -> bool:
        """Whether anything takes a value from it."""
        return any(
            isinstance(value, Link) and value.node == node.id
            for other in self.nodes.values()
            for value in other.inputs.values()
        )

    def rewire(self, old: Link, new: Link, but: Node | None = None) -> None:
        """Let all that takes its value from one output take it from another; but: a node that stays as it is."""
        for node in self.nodes.values():
            if node is not but:
                node.inputs = {name: new if value == old else value for name, value in node.inputs.items()}

    def become(
        self, node: Node, kind: str, inputs: Mapping[str, Any], outputs: Mapping[int, int] | None = None
    ) -> None:
        """Give a node another type and other inputs; outputs: their new numbers by the old ones, where they change."""
        changed = {old: new for old, new in (outputs or {}).items() if old != new}
        for other in self.nodes.values():
            for name, value in other.inputs.items():
                if isinstance(value, Link) and value.node == node.id and value.slot in changed:
                    other.inputs[name] = Link(node.id, changed[value.slot])
        node.inputs, node.beneath = _plain(node, node, inputs)
        node.kind, node.changed = kind, True

    def add(self, kind: str, beside: Node, inputs: Mapping[str, Any]) -> Node:
        """A new node. beside: the one that it stands beside, and that `From` values are taken from."""
        made = Node(self._new_id(), kind, beside=beside.id, changed=True)
        made.inputs, made.beneath = _plain(beside, made, inputs)
        self.nodes[made.id] = made
        return made

    def twin(self, node: Node, kind: str, inputs: Mapping[str, Any]) -> Node:
        """The new node that does for turned nodes what this one did; the same whenever it is asked for."""
        key = (node.id, kind)
        if key not in self._twins:
            self._twins[key] = self.add(kind, node, inputs)
        self.absorb(node, self._twins[key])
        return self._twins[key]

    def absorb(self, node: Node, into: Node) -> None:
        """Note that what a node said now stands in another."""
        ids = self.went.setdefault(node.id, [])
        if into.id not in ids:
            ids.append(into.id)

    def remove(self, node: Node) -> None:
        """Take a node out."""
        del self.nodes[node.id]


@dataclass(frozen=True)
class From:
    """In the place of a new node's input: what the old node has under this name, a value or a link; default: if nothing."""

    name: str
    default: Any = None


def _plain(old: Node, new: Node, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of a new node, and what lies beneath the linked ones."""
    found: dict[str, Any] = {}
    beneath: dict[str, Any] = {}
    for name, value in inputs.items():
        given = old.inputs.get(value.name, value.default) if isinstance(value, From) else value
        if isinstance(value, From) and value.name in old.inputs:
            old.renamed[value.name] = (new.id, name)
            if value.name in old.beneath:
                beneath[name] = old.beneath[value.name]
        if given is not None:
            found[name] = given
    return found, beneath


def why_no_number(inputs: Mapping[str, Any]) -> str:
    """Why a node with NaN or an infinite value, which no ComfyUI saves, cannot be read; "" for any other."""
    bad = next((one for one in inputs.items() if isinstance(one[1], float) and not isfinite(one[1])), None)
    return f"its {bad[0]} is {bad[1]}, which is no number; set it anew" if bad else ""


def numbered(taken: Iterator[str] | list[str]) -> Callable[[], str]:
    """A function that gives the numbers behind the highest of these ids, one after the other."""
    last = max((int(part) for one in taken for part in one.split(":") if part.isdecimal()), default=0)

    def new() -> str:
        nonlocal last
        last += 1
        return str(last)

    return new
