"""One graph of a saved file, the root or the definition of a subgraph: its links, its ends, and ids that are unique."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .editor_nodes import EditorNode
from .prompt import PromptError

_LINK = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
INPUT, OUTPUT = "-10", "-20"  # ids of a subgraph's own ends


@dataclass
class EditorLink:
    """From an output of one node to an input of another."""

    source: str
    slot: int
    target: str
    target_slot: int


@dataclass
class End:
    """An input or an output of a subgraph, and the links at it."""

    name: str
    type: str
    links: list[Any]


@dataclass
class EditorGraph:
    """A graph, or the definition of a subgraph; nodes by id, links by id."""

    nodes: dict[str, EditorNode] = field(default_factory=dict)
    links: dict[Any, EditorLink] = field(default_factory=dict)
    inputs: list[End] = field(default_factory=list)
    outputs: list[End] = field(default_factory=list)


# Reading the file.


def definitions_of(saved: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The definitions of subgraphs, with those inside of definitions."""
    for one in (saved.get("definitions") or {}).get("subgraphs") or ():
        yield from definitions_of(one)
        yield one


def links_of(saved: Mapping[str, Any]) -> dict[Any, EditorLink]:
    """The links by id."""
    links: dict[Any, EditorLink] = {}
    saved_links: Sequence[Any] = saved.get("links") or ()
    for one in saved_links:
        if isinstance(one, Mapping):
            number, source, slot, target, target_slot = (one[name] for name in _LINK)
        else:
            number, source, slot, target, target_slot = one[:5]
        links[number] = EditorLink(str(source), int(slot), str(target), target_slot)
    return links


def ends_of(saved: Mapping[str, Any], name: str, links: Mapping[Any, EditorLink]) -> list[End]:
    """The inputs or outputs of a subgraph (name: inputs or outputs), with the links at them."""
    end = INPUT if name == "inputs" else OUTPUT
    places: dict[Any, list[Any]] = {}
    for number, link in links.items():
        slots = {link.slot} if link.source == end else set()
        if link.target == end and isinstance(link.target_slot, (int, float)):
            slots.add(link.target_slot)
        for slot in slots:
            places.setdefault(slot, []).append(number)
    return [_end(one, places.get(place, []), links) for place, one in enumerate(saved.get(name) or ())]


def _end(saved: Mapping[str, Any], numbers: list[Any], links: Mapping[Any, EditorLink]) -> End:
    told = saved.get("linkIds")
    if isinstance(told, Sequence) and told:
        numbers = [number if number in links else next(iter(numbers), number) for number in told]
    return End(str(saved["name"]), str(saved.get("type", "*")), list(numbers))


def leaves_first(definitions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ids of definitions, each after those whose instances it holds. Raises PromptError for one in itself."""
    order: dict[str, None] = {}
    waiting: set[str] = set()

    def visit(key: str) -> None:
        if key in order:
            return
        if key in waiting:
            raise PromptError("The subgraphs of this graph are nested too deeply, or hold themselves.")
        waiting.add(key)
        for node in definitions[key]["nodes"]:
            if node["type"] in definitions:
                visit(node["type"])
        order[key] = None

    for key in definitions:
        visit(key)
    return list(order)


def unique_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


# A node's id is unique in the whole file; where it is not, the editor gives it a new one, and so the prompt has that one.

_Saved = Mapping[str, Any]


def with_unique_ids(saved: _Saved, definitions: dict[str, _Saved]) -> tuple[_Saved, dict[str, _Saved]]:
    """The graph and the definitions with new numbers for inner nodes whose id is there already."""
    used = {str(node["id"]) for node in saved["nodes"]}
    state = saved.get("state") or {}
    last = max((saved.get("last_node_id") or 0, state.get("lastNodeId") or 0, 0))
    renamed: dict[str, dict[str, str]] = {}
    for key, definition in definitions.items():
        new: dict[str, str] = {}
        for node in definition["nodes"]:
            number = str(node["id"])
            if number in used:
                last += 1
                while str(last) in used:
                    last += 1
                new[number] = str(last)
                used.add(str(last))
            else:
                used.add(number)
                last = max(last, int(number)) if number.isdecimal() else last
        if new:
            renamed[key] = new
    if not renamed:
        return saved, definitions
    changed = {key: _renumbered(one, renamed.get(key, {}), renamed) for key, one in definitions.items()}
    return _renumbered(saved, {}, renamed), changed


def _renumbered(graph: _Saved, new: Mapping[str, str], renamed: Mapping[str, Mapping[str, str]]) -> _Saved:
    def node(one: _Saved) -> _Saved:
        inner = renamed.get(one["type"])
        changed = {**one, "id": new.get(str(one["id"]), one["id"])}
        proxies = (one.get("properties") or {}).get("proxyWidgets")
        if inner and isinstance(proxies, Sequence):
            moved = [[inner.get(str(entry[0]), entry[0]), *entry[1:]] for entry in proxies]
            changed["properties"] = {**one["properties"], "proxyWidgets": moved}
        return changed

    def link(one: Any) -> Any:
        if not new or not isinstance(one, Mapping):
            return one
        ends = {key: new.get(str(one[key]), one[key]) for key in ("origin_id", "target_id")}
        return {**one, **ends}

    changes: dict[str, Callable[[Any], Any]] = {"nodes": node, "links": link}
    return {**graph, **{key: [change(one) for one in graph.get(key) or ()] for key, change in changes.items()}}
