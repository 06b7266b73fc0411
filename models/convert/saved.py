"""One graph of a saved file, the root or the definition of a subgraph, to a graph that can be converted, and back.

What a conversion leaves alone keeps every byte that the editor needs: places, sizes, groups, values of unknown nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..compatibility.editor_graph import INPUT, OUTPUT, EditorLink, links_of
from ..compatibility.editor_nodes import NOT_KNOWN, EditorNode, editor_node
from ..compatibility.node_types import NodeTypes, TypesOf
from ..compatibility.prompt import Link, called
from ..compatibility.widgets import Part, Widget
from .graph import Graph, Node, why_no_number
from .our_nodes import output_names

_Saved = dict[str, Any]
_ENDS = (INPUT, OUTPUT)
_SEEDS = ("seed", "noise_seed")
_KINDS: tuple[tuple[type, str], ...] = ((bool, "BOOLEAN"), (int, "INT"), (float, "FLOAT"))
_WIDTH, _TITLE, _ROW = 340, 30, 26


# Reading.


def types_of_widgets(widgets: Mapping[str, Any]) -> NodeTypes:
    """The types of another pack's node by its widgets and their defaults, in the order of saved graphs."""
    made: list[Widget] = []
    for name, default in widgets.items():
        made.append(Widget(name, next((kind for one, kind in _KINDS if isinstance(default, one)), "COMBO"), default))
        if name in _SEEDS:
            made.append(Widget(""))  # what happens to it after a run
    return NodeTypes({}, (), {}, Part((), tuple(made)))


def graph_of(saved: _Saved, types_of: TypesOf, new_id: Callable[[], str]) -> Graph:
    """The graph of a saved one."""
    links = links_of(saved)
    nodes = {end: Node(end, "") for end in _ENDS}
    for one in saved["nodes"]:
        read = editor_node(one, types_of(str(one["type"])))
        inputs = {name: value for name, value in read.values.items() if value is not NOT_KNOWN}
        linked = {slot.name: links[slot.link] for slot in read.inputs if slot.link in links}
        beneath = {name: value for name, value in inputs.items() if name in linked}
        inputs |= {name: Link(link.source, link.slot) for name, link in linked.items()}
        why = _why_unread(read, one) or why_no_number(inputs)
        nodes[read.id] = Node(read.id, read.type, inputs, beneath, read.title, read.mode, why)
    for number, link in links.items():
        if link.target == OUTPUT:
            nodes[OUTPUT].inputs[f"{link.target_slot} {number}"] = Link(link.source, link.slot)
    return Graph(nodes, new_id, types_of)


def _why_unread(read: EditorNode, saved: Mapping[str, Any]) -> str:
    """Why the values of a node cannot be told: there are none, or other ones than its type has widgets for."""
    values = saved.get("widgets_values")
    unsaid = [name for name, value in read.values.items() if value is NOT_KNOWN and not _is_linked(name, read)]
    if not values and unsaid:
        return f"the file holds no values of it (widgets_values), and so no {unsaid[0]}; choose it in ComfyUI and save the graph"
    if not isinstance(values, (Sequence, Mapping, type(None))) or isinstance(values, str):
        return f"its widgets_values are {called(values)}, and no list; save the graph anew"
    if not isinstance(values, Sequence):
        return ""
    for name, value in read.values.items():
        if value is not NOT_KNOWN and not _fits(name, value, read):
            return f"its saved value {value!r} is none for {name}, so another version of its pack saved it; save the graph anew"
    return ""


def _is_linked(name: str, read: EditorNode) -> bool:
    slot = read.slot(name)
    return slot is not None and slot.link is not None


def _fits(name: str, value: Any, read: EditorNode) -> bool:
    slot = read.slot(name)
    kind = slot.type if slot else ""
    if kind in ("INT", "FLOAT"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "BOOLEAN":
        return isinstance(value, bool)
    return kind != "COMBO" or isinstance(value, str)


# Writing.


def write_back(graph: Graph, saved: _Saved) -> None:
    """Put a converted graph back into the saved one that it came out of."""
    _Writer(graph, saved).write()


class _Writer:
    def __init__(self, graph: Graph, saved: _Saved):
        self._graph = graph
        self._saved = saved
        self._old = {str(one["id"]): one for one in self._saved["nodes"]}
        self._links = links_of(saved)
        self._names = self._names_of_targets()
        counters = [saved.get("last_link_id"), (saved.get("state") or {}).get("lastLinkId"), *self._links]
        self._last = max((one for one in counters if isinstance(one, int)), default=0)
        self._written: dict[Any, EditorLink] = {}

    def _names_of_targets(self) -> dict[tuple[str, str], tuple[Any, EditorLink]]:
        """The link that each input of the file has, by node and name."""
        found = {}
        for key, node in self._old.items():
            for slot in node.get("inputs") or ():
                if slot.get("link") in self._links:
                    found[key, str(slot["name"])] = (slot["link"], self._links[slot["link"]])
        for number, link in self._links.items():
            if link.target == OUTPUT:
                found[OUTPUT, f"{link.target_slot} {number}"] = (number, link)
        return found

    def write(self) -> None:
        made = [self._node(node) for key, node in self._graph.nodes.items() if key not in _ENDS]
        by_id = {str(one["id"]): one for one in made}
        for node in self._graph.nodes.values():
            self._link_inputs(node, by_id.get(node.id))
        for one in made:
            for slot, output in enumerate(one.get("outputs") or ()):
                leaving = [
                    key for key, link in self._written.items() if (link.source, link.slot) == (str(one["id"]), slot)
                ]
                output["links"] = leaving or None
        self._saved["nodes"] = made
        self._write_links(by_id)
        self._write_ends()
        self._write_counters()
        self._write_reroutes()

    # Nodes.

    def _node(self, node: Node) -> _Saved:
        old = self._old.get(node.id)
        if old is not None and not node.changed:
            return old
        types = self._graph.types_of(node.kind)
        part = types.part if types and types.part else Part()
        stands = old or self._beside(node)
        made: _Saved = {
            "id": int(node.id) if node.id.isdecimal() else node.id,
            "type": node.kind,
            "pos": _place(stands, 0 if old else self._place_above(node)),
            "size": [max(_WIDTH, _size(stands)[0]), _TITLE + _ROW * (len(part.sockets) + len(part.widgets))],
            "flags": dict(stands.get("flags") or {}) if old else {"collapsed": True},
            "order": stands.get("order", 0),
            "mode": node.mode,
            "inputs": self._inputs(node, part),
            "outputs": [
                {"name": name, "type": kind, "links": None}
                for name, kind in zip(output_names(node.kind, types.outputs), types.outputs, strict=True)
            ]
            if types
            else [],
            "properties": {"Node name for S&R": node.kind},
            "widgets_values": self._values(node, part),
        }
        title = node.title if old else ""
        if title:
            made["title"] = title
        return made

    def _beside(self, node: Node) -> _Saved:
        return self._old.get(node.beside) or next(iter(self._old.values()))

    def _place_above(self, node: Node) -> int:
        """How many new nodes stand above the same one, up to this one."""
        alike = [one.id for one in self._graph.nodes.values() if one.beside == node.beside and one.id not in self._old]
        return alike.index(node.id) + 1

    def _inputs(self, node: Node, part: Part) -> list[_Saved]:
        sockets = [{"name": name, "type": kind, "link": None} for name, kind in part.sockets]
        known = {one["name"] for one in sockets} | {widget.name for widget in part.widgets}
        grown = [name for name in node.inputs if name not in known and name.partition(".")[0] in part.growing]
        sockets += [{"name": name, "type": part.growing[name.partition(".")[0]], "link": None} for name in grown]
        widgets = [
            {"name": one.name, "type": one.type, "widget": {"name": one.name}, "link": None}
            for one in part.widgets
            if one.name
        ]
        return [*sockets, *widgets]

    def _values(self, node: Node, part: Part) -> list[Any]:
        values = []
        for widget in part.widgets:
            if widget.stored:
                value = node.inputs.get(widget.name, widget.default) if widget.name else "fixed"
                values.append(node.beneath.get(widget.name, widget.default) if isinstance(value, Link) else value)
        return values

    # Links.

    def _link_inputs(self, node: Node, made: _Saved | None) -> None:
        slots = {str(one["name"]): place for place, one in enumerate((made or {}).get("inputs") or ())}
        for place in slots.values():
            (made or {})["inputs"][place]["link"] = None
        for name, value in node.inputs.items():
            if not isinstance(value, Link):
                continue
            number = self._number(node.id, name, value)
            place = int(name.partition(" ")[0]) if made is None else slots.get(name, -1)
            if place < 0:
                continue
            self._written[number] = EditorLink(value.node, value.slot, node.id, place)
            if made is not None:
                made["inputs"][place]["link"] = number

    def _number(self, target: str, name: str, link: Link) -> Any:
        number, old = self._names.get((target, name), (None, None))
        if old is not None and (old.source, old.slot) == (link.node, link.slot):
            return number
        self._last += 1
        return self._last

    def _write_links(self, by_id: Mapping[str, _Saved]) -> None:
        old = self._saved.get("links") or ()
        as_objects = isinstance(next(iter(old), None), Mapping) or ("inputNode" in self._saved)
        kept = {_number_of(one): one for one in old}
        self._saved["links"] = [
            self._link(number, link, by_id, kept.get(number), as_objects) for number, link in self._written.items()
        ]

    def _link(self, number: Any, link: EditorLink, by_id: Mapping[str, _Saved], old: Any, as_objects: bool) -> Any:
        kind = self._type_of(link, by_id)
        ends = {"origin_id": _id(link.source), "origin_slot": link.slot, "target_id": _id(link.target)}
        ends["target_slot"] = link.target_slot
        if as_objects:
            return {**(old if isinstance(old, Mapping) else {}), "id": number, **ends, "type": kind}
        return [number, *ends.values(), kind]

    def _type_of(self, link: EditorLink, by_id: Mapping[str, _Saved]) -> str:
        if link.source == INPUT:
            ends = self._saved.get("inputs") or ()
            return str(ends[link.slot].get("type", "*")) if link.slot < len(ends) else "*"
        outputs = by_id.get(link.source, {}).get("outputs") or ()
        return str(outputs[link.slot].get("type", "*")) if link.slot < len(outputs) else "*"

    def _write_ends(self) -> None:
        if "inputNode" not in self._saved:
            return
        for slot, end in enumerate(self._saved.get("inputs") or ()):
            self._write_end(end, [n for n, link in self._written.items() if (link.source, link.slot) == (INPUT, slot)])
        for slot, end in enumerate(self._saved.get("outputs") or ()):
            at = (OUTPUT, slot)
            self._write_end(end, [n for n, link in self._written.items() if (link.target, link.target_slot) == at])

    def _write_end(self, end: _Saved, numbers: list[Any]) -> None:
        """The links at an end in the order in which the file told them; the editor takes the first, and some are left over."""
        told = end.get("linkIds")
        if told:
            numbers = [n for n in told if n in numbers] + [n for n in numbers if n not in self._links]
        end["linkIds"] = numbers

    def _write_counters(self) -> None:
        highest = max((int(key) for key in self._graph.nodes if key.isdecimal()), default=0)
        state = self._saved.get("state")
        _raise(self._saved, "last_node_id", highest)
        _raise(self._saved, "last_link_id", self._last)
        if isinstance(state, dict):
            _raise(state, "lastNodeId", highest)
            _raise(state, "lastLinkId", self._last)

    def _write_reroutes(self) -> None:
        """Points that the editor draws a link through go with the link."""
        for holder in (self._saved, self._saved.get("extra") or {}):
            if isinstance(holder.get("linkExtensions"), list):
                holder["linkExtensions"] = [one for one in holder["linkExtensions"] if one.get("id") in self._written]
            if isinstance(holder.get("reroutes"), list):
                for one in holder["reroutes"]:
                    one["linkIds"] = [number for number in one.get("linkIds") or () if number in self._written]


def _raise(counters: _Saved, name: str, least: int) -> None:
    if name in counters:
        counters[name] = max(int(counters[name] or 0), least)


def _number_of(link: Any) -> Any:
    return link["id"] if isinstance(link, Mapping) else link[0]


def _id(text: str) -> Any:
    return int(text) if text.lstrip("-").isdecimal() else text


def _pair(value: Any) -> list[float]:
    if isinstance(value, Mapping):
        return [value.get("0", 0), value.get("1", 0)]
    return [*value] if isinstance(value, Sequence) and len(value) == 2 else [0, 0]


def _place(node: Mapping[str, Any], above: int) -> list[float]:
    x, y = _pair(node.get("pos"))
    return [x, y - above * (_TITLE + 10) - (_TITLE if above else 0)]


def _size(node: Mapping[str, Any]) -> list[float]:
    return _pair(node.get("size"))


def rename_proxies(instance: _Saved, renamed: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """In an instance of a subgraph, name promoted widgets as they are called now."""
    proxies = (instance.get("properties") or {}).get("proxyWidgets")
    if isinstance(proxies, list) and renamed:
        instance["properties"]["proxyWidgets"] = [
            [*renamed.get((str(entry[0]), str(entry[1])), entry[:2]), *entry[2:]] for entry in proxies
        ]
