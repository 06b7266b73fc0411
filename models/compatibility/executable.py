"""From the editor's graphs to an API prompt: subgraphs written out, links followed past what exists in the editor alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .editor_graph import INPUT, EditorGraph
from .editor_nodes import BYPASSED, GETTERS, MUTED, NOT_KNOWN, REROUTE, SETTERS, EditorNode, Slot
from .prompt import MOST_NODES, UNREAD, PromptError
from .saved_text import Replacements, chosen_text
from .subgraphs import EditorGraphs

_ANY = ("*", "")
_MOST_LETTERS = 64 * 2**20  # of all nodes that come out of subgraphs, with their values and ids
_MOST_STEPS = 2_000_000  # along links, of all inputs together


@dataclass(frozen=True)
class _Place:
    """One use of a graph: the root, or the inside of an instance (`host`) that stands in another place."""

    prefix: str
    graph: EditorGraph
    host: EditorNode | None = None
    outer: _Place | None = None


@dataclass(frozen=True)
class _Value:
    """A value in the place of a link: what an instance of a subgraph holds for the widget behind its input."""

    value: Any


@dataclass(frozen=True)
class _Step:
    """On the way from an input back to where its value comes from: at an input (`into`) or an output of a node.

    kind: the type that is asked for, by which a bypassed node chooses what it passes on.
    """

    place: _Place
    node: EditorNode
    at: int
    kind: str
    into: bool = True


_Found = list[Any] | _Value | None


class Executable:
    """Makes the prompt. whole: refuse what a check could still look at, because ComfyUI would not run it."""

    def __init__(self, graphs: EditorGraphs, whole: bool):
        self._graphs = graphs
        self._whole = whole
        self._replacements = Replacements([graphs.root, *graphs.definitions.values()])
        self._chosen: dict[str, str] = {}
        self._steps = 0

    def prompt(self) -> dict[str, Any]:
        """The API prompt."""
        self._check_size()
        made = {
            f"{place.prefix}{node.id}": self._node(place, node)
            for place, node in self._nodes(_Place("", self._graphs.root))
            if node.active and not node.virtual
        }
        left_out = {
            f"{place.prefix}{node.id}"
            for place, node in self._nodes(_Place("", self._graphs.root), every=True)
            if f"{place.prefix}{node.id}" not in made
        }
        for node in made.values():
            inputs = node["inputs"]
            for name in [key for key, value in inputs.items() if _leads_to(value, left_out)]:
                del inputs[name]
        return made

    def _check_size(self) -> None:
        """Subgraphs that hold the next one twice are doubled with each: thirty of them make a thousand million nodes."""
        inside: dict[str, tuple[int, int]] = {}
        for key, graph in self._graphs.definitions.items():  # each after those that it holds
            inside[key] = _size(graph, inside, with_values=True)
        nodes, letters = _size(self._graphs.root, inside, with_values=False)
        if nodes > MOST_NODES or letters > _MOST_LETTERS:
            raise PromptError(
                f"Written out, the subgraphs of this graph have more than {MOST_NODES} nodes, or too many letters in them."
            )

    def _nodes(self, place: _Place, every: bool = False) -> Iterator[tuple[_Place, EditorNode]]:
        for node in place.graph.nodes.values():
            yield place, node
            # As the editor does it: inside a subgraph an inner one is entered whether it is muted or not.
            if node.definition and (every or node.active or place.outer is not None):
                yield from self._nodes(self._inside(place, node), every)

    def _inside(self, place: _Place, host: EditorNode) -> _Place:
        return _Place(f"{place.prefix}{host.id}:", self._graphs.definitions[host.definition], host, place)

    def _node(self, place: _Place, node: EditorNode) -> dict[str, Any]:
        if node.unread and self._whole:
            raise PromptError(
                f"Node {place.prefix}{node.id} ({node.type}) is not known here, or has widgets of its own making, so its "
                "values cannot be told apart. In ComfyUI use Export (API), and check that file."
            )
        inputs = {name: self._sent(node, name, value) for name, value in node.values.items() if value is not NOT_KNOWN}
        for at, slot in enumerate(node.inputs):
            found = self._followed(_Step(place, node, at, slot.type))
            if isinstance(found, _Value):
                inputs[slot.name] = _wrapped(found.value)
            elif found is not None:
                inputs[slot.name] = found
        meta: dict[str, Any] = {"title": node.title} if node.title else {}
        if node.unread:
            meta[UNREAD] = list(node.unread)
        made: dict[str, Any] = {"class_type": node.type, "inputs": inputs}
        return {**made, "_meta": meta} if meta else made

    def _sent(self, node: EditorNode, name: str, value: Any) -> Any:
        if isinstance(value, str):
            if name in node.braces:
                if value not in self._chosen:
                    self._chosen[value] = chosen_text(value)
                return self._chosen[value]
            return self._replacements.replaced(node, name, value)
        return _wrapped(value)

    def _followed(self, step: _Step) -> _Found:
        """Where the value of an input comes from: a link of the prompt, a value, or nowhere."""
        seen: set[tuple[str, str, int, bool]] = set()
        found: _Step | _Found = step
        while isinstance(found, _Step):
            key = (found.place.prefix, found.node.id, found.at, found.into)
            if key in seen:
                raise PromptError(f"The links through node {key[0]}{key[1]} ({found.node.type}) go in a circle.")
            seen.add(key)
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise PromptError(
                    "The links of this graph go through too many reroutes and bypassed nodes to be followed."
                )
            found = self._before_input(found) if found.into else self._before_output(found)
        return found

    def _before_input(self, step: _Step) -> _Step | _Found:
        place, slot = step.place, step.node.inputs[step.at]
        if slot.link is None:
            return None
        link = place.graph.links.get(slot.link)
        if link is None:
            return self._broken(place, step.node, slot, f"(link {slot.link})", 0)
        if place.host is not None and link.source == INPUT:
            return _outside(place, link.slot, step.kind)
        source = place.graph.nodes.get(link.source)
        if source is None:
            return self._broken(place, step.node, slot, f"{place.prefix}{link.source}", link.slot)
        return _Step(place, source, link.slot, step.kind, into=False)

    def _broken(self, place: _Place, node: EditorNode, slot: Slot, source: str, output: int) -> list[Any]:
        if self._whole:
            raise PromptError(
                f"Node {place.prefix}{node.id} ({node.type}): its input {slot.name} is linked to node {source}, which is "
                "not in the graph. Link it again in ComfyUI."
            )
        return [source, output]

    def _before_output(self, step: _Step) -> _Step | _Found:
        place, node, at, kind = step.place, step.node, step.at, step.kind
        if node.mode == MUTED:
            return None
        if node.mode == BYPASSED:
            passed = _passed(node, at, kind)
            return None if passed is None else _Step(place, node, passed, node.inputs[passed].type)
        if node.definition:
            return self._out_of(place, node, at, kind)
        if node.type in GETTERS and not node.known:
            return self._got(place, node, kind)
        if node.virtual:
            passes = node.type == REROUTE or node.type in SETTERS
            return _Step(place, node, at, kind) if passes and at < len(node.inputs) else None
        return [f"{place.prefix}{node.id}", at]

    def _out_of(self, place: _Place, host: EditorNode, at: int, kind: str) -> _Step | _Found:
        inside = self._inside(place, host)
        ends = inside.graph.outputs
        numbers = ends[at].links if at < len(ends) else []
        link = next((inside.graph.links[one] for one in numbers if one in inside.graph.links), None)
        if link is None:
            return None
        if link.source == INPUT:
            return _outside(inside, link.slot, kind)
        source = inside.graph.nodes.get(link.source)
        return None if source is None else _Step(inside, source, link.slot, kind, into=False)

    def _got(self, place: _Place, getter: EditorNode, kind: str) -> _Step | _Found:
        """What a getter of another pack passes on: the input of the setter with the same name, here or further out."""
        name = _named(getter)
        scope: _Place | None = place
        while scope is not None and name is not None:
            for node in scope.graph.nodes.values():
                if node.type in SETTERS and _named(node) == name and node.inputs:
                    return _Step(scope, node, 0, kind)
            scope = scope.outer
        return self._broken(place, getter, Slot(str(name), kind), f"(nothing is set under {name!r})", 0)


def _size(graph: EditorGraph, inside: Mapping[str, tuple[int, int]], *, with_values: bool) -> tuple[int, int]:
    """How many nodes a graph has with those of its subgraphs, and how many letters they take; inside: of each definition."""
    nodes = letters = 0
    for node in graph.nodes.values():
        within, more = inside.get(node.definition, (0, 0))
        nodes += 1 + within
        letters += len(node.id) * (1 + within) + more
        if with_values:
            letters += len(json.dumps(node.saved, default=str))
    return nodes, letters


def _outside(place: _Place, at: int, kind: str) -> _Step | _Found:
    """From an input of a subgraph to that of its instance; or the value that the instance holds in its place."""
    host, outer = place.host, place.outer
    if host is None or outer is None or at >= len(host.inputs):
        return None
    slot = host.inputs[at]
    if slot.link is None:
        value = host.values.get(slot.name, NOT_KNOWN)
        return _Value(value) if slot.widget and value is not NOT_KNOWN else None
    return _Step(outer, host, at, kind)


def _named(node: EditorNode) -> Any:
    values = node.saved.get("widgets_values")
    return values[0] if isinstance(values, list) and values else None


def _leads_to(value: Any, nodes: set[str]) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] in nodes


def _wrapped(value: Any) -> Any:
    """A list in a prompt is a link, so a list that is a value is wrapped."""
    return {"__value__": value} if isinstance(value, list) else value


def _passed(node: EditorNode, at: int, kind: str) -> int | None:
    """The input that a bypassed node passes on to one of its outputs."""
    inputs, output = node.inputs, node.outputs[at] if at < len(node.outputs) else "*"
    if kind in _ANY:
        return at if len(inputs) > at else (0 if inputs else None)
    if at < len(inputs) and _connects(inputs[at].type, output) and _connects(inputs[at].type, kind):
        return at
    exact = next((place for place, slot in enumerate(inputs) if slot.type == kind), None)
    if exact is not None:
        return exact
    fitting = (
        place for place, slot in enumerate(inputs) if _connects(slot.type, output) and _connects(slot.type, kind)
    )
    return next(fitting, None)


def _connects(one: str, other: str) -> bool:
    if one in _ANY or other in _ANY:
        return True
    return bool(set(one.lower().split(",")) & set(other.lower().split(",")))
