"""Group nodes, which came before subgraphs: written out into the nodes that they stand for.

A group node shows the widgets of its inner nodes one after the other, and those of their inputs and outputs that are not
linked inside; what a person set on it takes the place of the values that the group was saved with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .editor_nodes import PRIMITIVE, REROUTE
from .node_types import TypesOf
from .prompt import PromptError

_NAME = re.compile(r"workflow[/>](.+)$", re.DOTALL)
_MOST_STEPS = 5_000_000
_Saved = Mapping[str, Any]


def without_group_nodes(saved: _Saved, types_of: TypesOf) -> _Saved:
    """The graph with its group nodes written out; one that holds a node of an unknown type stays as it is."""
    groups = (saved.get("extra") or {}).get("groupNodes") or {}
    _check_size(saved, groups)
    for node in saved["nodes"]:
        match = _NAME.match(str(node["type"]))
        group = groups.get(match.group(1)) if match else None
        if group is not None and all(_is_known(one, types_of) for one in group["nodes"]):
            saved = _Group(saved, node, group, types_of).written_out()
    return saved


def _check_size(saved: _Saved, groups: Mapping[str, Any]) -> None:
    """Each group node goes through the whole graph, with all that was written out before it."""
    used = [match.group(1) for node in saved["nodes"] if (match := _NAME.match(str(node["type"])))]
    used = [name for name in used if groups.get(name) is not None]
    inner = sum(len(groups[name]["nodes"]) for name in used)
    if len(used) * (len(saved["nodes"]) + len(saved.get("links") or ()) + inner) > _MOST_STEPS:
        raise PromptError(
            f"This graph has {len(used)} group nodes, too many to be written out. Turn them into subgraphs."
        )


def _is_known(inner: _Saved, types_of: TypesOf) -> bool:
    types = types_of(str(inner.get("type")))
    return inner.get("type") in (PRIMITIVE, REROUTE) or (types is not None and types.part is not None)


@dataclass(frozen=True)
class _Input:
    """An input of an inner node. place: its place among the inputs as the group saved them."""

    node: int
    name: str
    place: int
    widget: bool


class _Group:
    def __init__(self, saved: _Saved, node: _Saved, group: _Saved, types_of: TypesOf):
        self._saved, self._node, self._types_of = saved, node, types_of
        self._inner: list[_Saved] = group["nodes"]
        self._config: _Saved = group.get("config") or {}
        self._links = [link for link in group["links"] if all(end is not None for end in link[:4])]
        self._external = {tuple(one[:2]) for one in group.get("external") or () if isinstance(one[0], int)}
        self._last = max((link[0] for link in saved.get("links") or ()), default=0)

    def written_out(self) -> _Saved:
        """The graph with this node's inner nodes, numbered node:0, node:1 and so on, in its place."""
        key = self._node["id"]
        nodes = [self._inner_node(place, inner) for place, inner in enumerate(self._inner)]
        links = [[*link[:5], *link[5:]] for link in self._saved.get("links") or ()]
        self._link_inside(nodes, links)
        self._link_inputs(nodes, links)
        outputs = self._outputs()
        for link in links:
            if str(link[1]) == str(key) and link[2] < len(outputs):
                link[1], link[2] = outputs[link[2]]
        others = [node for node in self._saved["nodes"] if node is not self._node]
        return {**self._saved, "nodes": [*others, *nodes], "links": [link for link in links if link[3] is not None]}

    def _inner_node(self, place: int, inner: _Saved) -> dict[str, Any]:
        mode = self._node.get("mode") or inner.get("mode") or 0
        inputs = [{**one, "link": None} for one in inner.get("inputs") or ()]
        outputs = [{**one, "links": []} for one in inner.get("outputs") or ()]
        made = {**inner, "id": self._id(place), "mode": mode, "inputs": inputs, "outputs": outputs}
        values = self._values().get(place)
        return made if values is None else {**made, "widgets_values": values}

    def _id(self, place: int) -> str:
        return f"{self._node['id']}:{place}"

    def _values(self) -> dict[int, list[Any]]:
        """What was set on the group node, as the values of each inner node; none where they do not add up."""
        values = self._node.get("widgets_values") or ()
        places = [*self._shown_values(converted=False), *self._shown_values(converted=True)]
        if len(places) != len(values):
            return {}
        found = {place: list(inner.get("widgets_values") or ()) for place, inner in enumerate(self._inner)}
        for (node, place), value in zip(places, values, strict=True):
            found[node][place] = value
        return {node: own for node, own in found.items() if own}

    def _shown_values(self, converted: bool) -> Iterator[tuple[int, int]]:
        """The inner nodes and places of the values that a group node shows; those of widgets with an input come last."""
        linked = {(link[2], link[3]) for link in self._links}
        for number, inner in enumerate(self._inner):
            saved: Sequence[Any] = inner.get("inputs") or ()
            inputs = {str(one["name"]): place for place, one in enumerate(saved) if one.get("widget")}
            shown = self._feeds(number)  # of a Primitive, which has no type of its own
            for place, name in enumerate(self._names(inner)):
                if name:  # a nameless one, what happens to a seed after a run, goes with the one before it
                    has_input = name in inputs
                    shown = has_input is converted and (number, inputs.get(name)) not in linked
                elif name is None:
                    shown = shown and not converted
                if shown and place < len(inner.get("widgets_values") or ()):
                    yield number, place

    def _names(self, inner: _Saved) -> list[str | None]:
        types = self._types_of(str(inner["type"]))
        if types is None or types.part is None:
            return [None] * len(inner.get("widgets_values") or ())
        return [widget.name for widget in types.part.widgets if widget.stored]

    def _feeds(self, place: int) -> bool:
        return any(link[0] == place for link in self._links)

    def _link_inside(self, nodes: list[dict[str, Any]], links: list[list[Any]]) -> None:
        for source, slot, target, target_slot, *_ in self._links:
            inputs = nodes[target]["inputs"]
            if target_slot < len(inputs):
                self._last += 1
                inputs[target_slot]["link"] = self._last
                kind = inputs[target_slot].get("type", "*")
                links.append([self._last, self._id(source), slot, self._id(target), target_slot, kind])
                outputs = nodes[source]["outputs"]
                if slot < len(outputs):
                    outputs[slot]["links"].append(self._last)

    def _link_inputs(self, nodes: list[dict[str, Any]], links: list[list[Any]]) -> None:
        by_number = {link[0]: link for link in links}
        for saved, shown in zip(self._node.get("inputs") or (), self._shown_inputs(), strict=False):
            link = by_number.get(saved.get("link"))
            if link is not None:
                nodes[shown.node]["inputs"][shown.place]["link"] = link[0]
                link[3], link[4] = self._id(shown.node), shown.place

    def _shown_inputs(self) -> list[_Input]:
        """The inner inputs that the group node shows, in its order: those of widgets that became inputs come last."""
        linked = {(link[2], link[3]) for link in self._links}
        shown = [
            _Input(number, str(one["name"]), place, bool(one.get("widget")))
            for number, inner in enumerate(self._inner)
            for place, one in enumerate(inner.get("inputs") or ())
            if (number, place) not in linked and self._visible(number, "input", str(one["name"]))
        ]
        shown = [one for one in shown if not self._passes_inside(one.node)]
        return [one for one in shown if not one.widget] + [one for one in shown if one.widget]

    def _passes_inside(self, place: int) -> bool:
        inner = self._inner[place]
        return inner["type"] == REROUTE and self._feeds(place) and any(link[2] == place for link in self._links)

    def _outputs(self) -> list[tuple[str, int]]:
        linked = {(link[0], link[1]) for link in self._links}
        return [
            (self._id(number), slot)
            for number, inner in enumerate(self._inner)
            for slot in range(len(inner.get("outputs") or ()))
            if self._shows_output(number, slot, linked)
        ]

    def _shows_output(self, number: int, slot: int, linked: set[tuple[Any, Any]]) -> bool:
        told = self._told(number, "output", str(slot)).get("visible")
        if told is not None:
            return bool(told)
        return (number, slot) not in linked or (number, slot) in self._external

    def _visible(self, number: int, side: str, name: str) -> bool:
        return self._told(number, side, name).get("visible") is not False

    def _told(self, number: int, side: str, name: str) -> _Saved:
        return ((self._config.get(str(number)) or {}).get(side) or {}).get(name) or {}
