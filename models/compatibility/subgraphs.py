"""The graphs of a saved file as ComfyUI's editor holds them: the root and the definitions of its subgraphs.

A value that is set on an instance of a subgraph stands for a widget inside. Files of different ages say in different ways
which one: by the definition's inputs in order, or by a list of (inner node, widget) in the instance's `proxyWidgets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .editor_graph import (
    INPUT,
    EditorGraph,
    EditorLink,
    End,
    definitions_of,
    ends_of,
    leaves_first,
    links_of,
    unique_name,
    with_unique_ids,
)
from .editor_nodes import NOT_KNOWN, PRIMITIVE, EditorNode, Slot, editor_node
from .group_nodes import without_group_nodes
from .node_types import TypesOf
from .prompt import PromptError

_PREFIXED = re.compile(r"\s*(\d+)\s*:\s*(.+)$", re.DOTALL)
_DEEPEST = 100
_MOST_PROXIES = 5000  # each is looked for among all others
_NOTHING = object()


class EditorGraphs:
    """All graphs of a saved file: `root`, and the definitions by id."""

    def __init__(self, saved: Mapping[str, Any], types_of: TypesOf):
        saved = without_group_nodes(saved, types_of)
        definitions = {str(one["id"]): one for one in definitions_of(saved)}
        saved, definitions = with_unique_ids(saved, definitions)
        self._types_of = types_of
        self._proxies = 0
        self.definitions: dict[str, EditorGraph] = {}
        self._instances: dict[str, list[EditorNode]] = {key: [] for key in definitions}
        for key in leaves_first(definitions):
            self.definitions[key] = self._graph(definitions[key])
        self.root = self._graph(saved)
        for graph in (self.root, *self.definitions.values()):
            _apply_primitives(graph)

    def _graph(self, saved: Mapping[str, Any]) -> EditorGraph:
        graph = EditorGraph(links=links_of(saved))
        graph.inputs = ends_of(saved, "inputs", graph.links)
        graph.outputs = ends_of(saved, "outputs", graph.links)
        for one in saved["nodes"]:
            kind = str(one["type"])
            node = self._instance(one, kind) if kind in self.definitions else editor_node(one, self._types_of(kind))
            graph.nodes[node.id] = node
        for node in graph.nodes.values():
            if node.definition:
                self._use_proxies(node)
        return graph

    def _instance(self, saved: Mapping[str, Any], kind: str) -> EditorNode:
        definition = self.definitions[kind]
        given = {str(one["name"]): one for one in saved.get("inputs") or ()}
        node = EditorNode(str(saved["id"]), kind, saved, definition=kind)
        node.outputs = [end.type for end in definition.outputs]
        for end in definition.inputs:
            node.inputs.append(Slot(end.name, end.type, given.get(end.name, {}).get("link")))
            self._promote(node, definition, end)
        self._instances[kind].append(node)
        values = saved.get("widgets_values")
        if isinstance(values, Sequence) and not isinstance(values, str):
            node.values |= dict(zip(node.values, values, strict=False))
        node.values |= _set_aside(saved, node)
        return node

    def _promote(self, node: EditorNode, definition: EditorGraph, end: End) -> None:
        """Give an instance the value of the widget behind one of its inputs; an input without one gets none."""
        slot = node.slot(end.name)
        for inner, target in _targets(definition, end):
            value = _widget_value(inner, target)
            if value is not _NOTHING and slot is not None:
                slot.widget = end.name
                node.values[end.name] = value
                return

    # proxyWidgets: the list of promoted widgets in files before the inputs of definitions told it.

    def _use_proxies(self, node: EditorNode) -> None:
        proxies = (node.saved.get("properties") or {}).get("proxyWidgets")
        if not isinstance(proxies, Sequence) or not all(_is_proxy(one) for one in proxies):
            return
        self._proxies += len(proxies)
        if self._proxies > _MOST_PROXIES:
            raise PromptError(f"The subgraphs of this graph show more than {_MOST_PROXIES} widgets of inner nodes.")
        values = node.saved.get("widgets_values")
        values = values if isinstance(values, Sequence) and not isinstance(values, str) else ()
        primitives: dict[tuple[str, str], list[Any]] = {}
        for place, (inner, name, *_) in enumerate(proxies):
            value = values[place] if place < len(values) and values[place] is not None else _NOTHING
            source = self.definitions[node.definition].nodes.get(inner)
            if source is not None and source.type == PRIMITIVE:
                primitives.setdefault((inner, name), []).append(value)
            else:
                self._use_proxy(node, inner, name, value)
        for (inner, name), found in primitives.items():
            self._promote_primitive(node, inner, name, found)

    def _use_proxy(self, node: EditorNode, inner: str, name: str, value: Any) -> None:
        definition = self.definitions[node.definition]
        if not self._resolves(definition, inner, name):
            while (match := _PREFIXED.match(name)) is not None:
                name = match.group(2)
        end = self._linked_end(definition, inner, name)
        if end is not None:
            _set(node, end, value)
        elif inner == "-1":
            _set(node, name, value)
        elif inner in definition.nodes:
            slot = _slot_of_widget(definition.nodes[inner], name)
            if slot is not None:
                self._set_new_end(node, name, [(definition.nodes[inner], slot)], value)

    def _resolves(self, definition: EditorGraph, inner: str, name: str) -> bool:
        for _ in range(_DEEPEST):
            source = definition.nodes.get(inner)
            if source is None:
                return False
            if not source.definition:
                return name in source.values
            definition = self.definitions[source.definition]
            end = next((one for one in definition.inputs if one.name == name), None)
            target = _first_target(definition, end) if end else None
            if target is None:
                return False
            inner, name = target
        return False

    def _linked_end(self, definition: EditorGraph, inner: str, name: str) -> str | None:
        for end in definition.inputs:
            if _first_target(definition, end) == (inner, name):
                return end.name
        return None

    def _set_new_end(self, node: EditorNode, name: str, targets: list[tuple[EditorNode, Slot]], value: Any) -> None:
        """Add an input to the definition, and so to all its instances; set its value on one of them."""
        definition = self.definitions[node.definition]
        end = End(unique_name(name, {one.name for one in definition.inputs}), targets[0][1].type, [])
        definition.inputs.append(end)
        for inner, slot in targets:
            number = f"new:{len(definition.links)}"
            definition.links[number] = EditorLink(INPUT, len(definition.inputs) - 1, inner.id, inner.inputs.index(slot))
            slot.link = number
            end.links.append(number)
        for instance in self._instances[node.definition]:
            instance.inputs.append(Slot(end.name, end.type))
            self._promote(instance, definition, end)
        _set(node, end.name, value)

    def _promote_primitive(self, node: EditorNode, inner: str, name: str, values: Sequence[Any]) -> None:
        definition = self.definitions[node.definition]
        primitive = definition.nodes[inner]
        targets = _slots_at_links(definition, primitive)
        value = next((one for one in values if one is not _NOTHING), _NOTHING)
        if targets:
            title = primitive.title if primitive.title != PRIMITIVE else ""
            self._set_new_end(node, title or name, targets, value)


def _set(node: EditorNode, name: str, value: Any) -> None:
    if value is not _NOTHING and name in node.values:
        node.values[name] = value


def _set_aside(saved: Mapping[str, Any], node: EditorNode) -> dict[str, Any]:
    """Values that an editor could not place when it brought the file up to date, and kept under the input's name."""
    found: dict[str, Any] = {}
    entries: Sequence[Any] = (saved.get("properties") or {}).get("proxyWidgetErrorQuarantine") or ()
    for entry in reversed(entries):
        inner, name = entry["originalEntry"][:2]
        if inner == "-1" and name in node.values and entry.get("hostValue") is not None:
            found[name] = entry["hostValue"]
    return found


def _is_proxy(entry: Any) -> bool:
    return isinstance(entry, Sequence) and len(entry) in (2, 3) and all(isinstance(one, str) for one in entry)


def _targets(definition: EditorGraph, end: End) -> Iterable[tuple[EditorNode, Slot]]:
    """The inner inputs that an input of a subgraph feeds."""
    for number in end.links:
        link = definition.links.get(number)
        inner = definition.nodes.get(link.target) if link else None
        slot = inner.fed_by(number) if inner else None
        if inner is not None and slot is not None:
            yield inner, slot


def _first_target(definition: EditorGraph, end: End) -> tuple[str, str] | None:
    """The inner node and widget that an input of a subgraph stands for."""
    for inner, slot in _targets(definition, end):
        if inner.definition or _widget_value(inner, slot) is not _NOTHING:
            return inner.id, slot.name
    return None


def _widget_value(node: EditorNode, slot: Slot) -> Any:
    if not slot.widget:
        return _NOTHING
    return node.values.get(slot.widget, _NOTHING if node.known else NOT_KNOWN)


def _slot_of_widget(node: EditorNode, name: str) -> Slot | None:
    slot = node.slot(name)
    return slot if slot is not None and slot.widget and (name in node.values or not node.known) else None


def _primitive_targets(graph: EditorGraph, primitive: EditorNode) -> Iterable[tuple[EditorNode, Slot]]:
    outputs = primitive.saved.get("outputs") or ()
    for number in (outputs[0].get("links") if outputs else None) or ():
        link = graph.links.get(number)
        node = graph.nodes.get(link.target) if link else None
        slot = node.fed_by(number) if node else None
        if node is not None and slot is not None:
            yield node, slot


def _slots_at_links(graph: EditorGraph, primitive: EditorNode) -> list[tuple[EditorNode, Slot]]:
    """The targets of a Primitive by the places that its links name; none if one is amiss.

    The editor looks for them so, before it corrects the places of links in older files; it has corrected those into inputs
    that come and go by then.
    """
    outputs = primitive.saved.get("outputs") or ()
    found = []
    for number in (outputs[0].get("links") if outputs else None) or ():
        link = graph.links.get(number)
        node = graph.nodes.get(link.target) if link else None
        if link is None or node is None or not 0 <= link.target_slot < len(node.inputs):
            return []
        fed = node.fed_by(number)
        slot = fed if fed is not None and "." in fed.name else node.inputs[link.target_slot]
        if slot.type != primitive.outputs[0] and "*" not in (slot.type, primitive.outputs[0]):
            return []
        found.append((node, slot))
    return found


def _apply_primitives(graph: EditorGraph) -> None:
    """A Primitive writes its value into the widgets that it is linked to."""
    for primitive in graph.nodes.values():
        values = primitive.saved.get("widgets_values")
        if primitive.type != PRIMITIVE or not isinstance(values, Sequence) or not values:
            continue
        for node, slot in _primitive_targets(graph, primitive):
            if slot.widget and (not node.known or slot.widget in node.values):
                node.values[slot.widget] = values[0]
