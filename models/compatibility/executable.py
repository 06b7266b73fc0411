"""From the editor's graphs to an API prompt: subgraphs written out, links followed past what exists in the editor alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .editor_graph import INPUT, EditorGraph
from .editor_nodes import BYPASSED, GETTERS, MUTED, NOT_KNOWN, REROUTE, SETTERS, EditorNode, Slot
from .prompt import UNREAD, PromptError
from .saved_text import Replacements, chosen_text
from .subgraphs import EditorGraphs

_ANY = ("*", "")


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


_Found = list[Any] | _Value | None


class Executable:
    """Makes the prompt. whole: refuse what a check could still look at, because ComfyUI would not run it."""

    def __init__(self, graphs: EditorGraphs, whole: bool):
        self._graphs = graphs
        self._whole = whole
        self._replacements = Replacements([graphs.root, *graphs.definitions.values()])

    def prompt(self) -> dict[str, Any]:
        """The API prompt."""
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
                f"Node {place.prefix}{node.id} ({node.type}) is not known here, so its values cannot be told apart. In "
                "ComfyUI use Export (API), and check that file."
            )
        inputs = {name: self._sent(node, name, value) for name, value in node.values.items() if value is not NOT_KNOWN}
        for place_of, slot in enumerate(node.inputs):
            found = self._input(place, node, place_of, slot.type, frozenset())
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
                return chosen_text(value)
            return self._replacements.replaced(node, name, value)
        return _wrapped(value)

    # Links. `seen` ends circles of nodes that exist in the editor alone.

    def _input(
        self, place: _Place, node: EditorNode, at: int, kind: str, seen: frozenset[tuple[str, str, int]]
    ) -> _Found:
        seen = _visit(seen, place, node, "in", at)
        slot = node.inputs[at]
        if slot.link is None:
            return None
        link = place.graph.links.get(slot.link)
        if link is None:
            return self._broken(place, node, slot, f"(link {slot.link})", 0)
        if place.host is not None and link.source == INPUT:
            return self._from_outside(place, link.slot, kind, seen)
        source = place.graph.nodes.get(link.source)
        if source is None:
            return self._broken(place, node, slot, f"{place.prefix}{link.source}", link.slot)
        return self._output(place, source, link.slot, kind, seen)

    def _from_outside(self, place: _Place, at: int, kind: str, seen: frozenset[tuple[str, str, int]]) -> _Found:
        host, outer = place.host, place.outer
        if host is None or outer is None or at >= len(host.inputs):
            return None
        slot = host.inputs[at]
        if slot.link is None:
            return _Value(host.values[slot.name]) if slot.widget and slot.name in host.values else None
        return self._input(outer, host, at, kind, seen)

    def _broken(self, place: _Place, node: EditorNode, slot: Slot, source: str, output: int) -> list[Any]:
        if self._whole:
            raise PromptError(
                f"Node {place.prefix}{node.id} ({node.type}): its input {slot.name} is linked to node {source}, which is "
                "not in the graph. Link it again in ComfyUI."
            )
        return [source, output]

    def _output(
        self, place: _Place, node: EditorNode, at: int, kind: str, seen: frozenset[tuple[str, str, int]]
    ) -> _Found:
        seen = _visit(seen, place, node, "out", at)
        if node.mode == MUTED:
            return None
        if node.mode == BYPASSED:
            passed = _passed(node, at, kind)
            return None if passed is None else self._input(place, node, passed, node.inputs[passed].type, seen)
        if node.definition:
            return self._out_of(place, node, at, kind, seen)
        if node.type in GETTERS and not node.known:
            return self._got(place, node, kind, seen)
        if node.virtual:
            passes = node.type == REROUTE or node.type in SETTERS
            return self._input(place, node, at, kind, seen) if passes and at < len(node.inputs) else None
        return [f"{place.prefix}{node.id}", at]

    def _out_of(
        self, place: _Place, host: EditorNode, at: int, kind: str, seen: frozenset[tuple[str, str, int]]
    ) -> _Found:
        inside = self._inside(place, host)
        ends = inside.graph.outputs
        numbers = ends[at].links if at < len(ends) else []
        link = next((inside.graph.links[one] for one in numbers if one in inside.graph.links), None)
        if link is None:
            return None
        if link.source == INPUT:
            return self._from_outside(inside, link.slot, kind, seen)
        source = inside.graph.nodes.get(link.source)
        return None if source is None else self._output(inside, source, link.slot, kind, seen)

    def _got(self, place: _Place, getter: EditorNode, kind: str, seen: frozenset[tuple[str, str, int]]) -> _Found:
        """What a getter of another pack passes on: the input of the setter with the same name, here or further out."""
        name = _named(getter)
        scope: _Place | None = place
        while scope is not None and name is not None:
            for node in scope.graph.nodes.values():
                if node.type in SETTERS and _named(node) == name and node.inputs:
                    return self._input(scope, node, 0, kind, seen)
            scope = scope.outer
        return self._broken(place, getter, Slot(str(name), kind), f"(nothing is set under {name!r})", 0)


def _named(node: EditorNode) -> Any:
    values = node.saved.get("widgets_values")
    return values[0] if isinstance(values, list) and values else None


def _visit(
    seen: frozenset[tuple[str, str, int]], place: _Place, node: EditorNode, side: str, at: int
) -> frozenset[tuple[str, str, int]]:
    key = (f"{place.prefix}{node.id}", side, at)
    if key in seen:
        raise PromptError(f"The links through node {place.prefix}{node.id} ({node.type}) go in a circle.")
    return seen | {key}


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
