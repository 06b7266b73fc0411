"""Writing the subgraphs of a saved graph out into one flat graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .prompt import PromptError

_INPUT, _OUTPUT = -10, -20  # ids of a subgraph's own ends
_DEEPEST = 16

Nodes = dict[str, Mapping[str, Any]]
Links = dict[Any, tuple[str, int]]


def flattened(graph: Mapping[str, Any]) -> tuple[Nodes, Links]:
    """(nodes by id, link id -> (node, output)) with every subgraph written out; ids inside are 'outer:inner'."""
    definitions = {one["id"]: one for one in (graph.get("definitions") or {}).get("subgraphs") or ()}
    nodes: Nodes = {}
    links: Links = {}
    _add(graph, "", definitions, nodes, links, {}, 0)
    return nodes, links


def _add(
    graph: Mapping[str, Any],
    prefix: str,
    definitions: Mapping[str, Mapping[str, Any]],
    nodes: Nodes,
    links: Links,
    outside: Mapping[int, Any],
    depth: int,
) -> dict[int, tuple[str, int]]:
    """Add a graph's nodes and links; outside: the links into a subgraph's inputs. Returns the sources of its outputs."""
    if depth > _DEEPEST:
        raise PromptError("The subgraphs of this graph are nested too deeply, or hold themselves.")
    own: Links = {}
    ends: dict[int, tuple[str, int]] = {}
    aliases: dict[Any, Any] = {}  # links from a subgraph's input are the links outside
    for link in graph.get("links") or ():
        number, source, slot, target, target_slot = _link(link)
        if source == _INPUT:
            aliases[f"{prefix}{number}"] = outside.get(slot)
        else:
            own[f"{prefix}{number}"] = (f"{prefix}{source}", slot)
        if target == _OUTPUT:
            ends[target_slot] = (f"{prefix}{source}", slot)
    inner: dict[str, dict[int, tuple[str, int]]] = {}
    for node in graph["nodes"]:
        key = f"{prefix}{node['id']}"
        moved = _moved(node, prefix, aliases)
        definition = definitions.get(node["type"])
        if definition is None:
            nodes[key] = moved
        elif node.get("mode", 0) == 0:
            feeds = {place: one.get("link") for place, one in enumerate(moved.get("inputs") or ())}
            inner[key] = _add(definition, f"{key}:", definitions, nodes, links, feeds, depth + 1)
    for number, (source, slot) in own.items():
        links[number] = inner[source].get(slot, (source, slot)) if source in inner else (source, slot)
    return {
        place: inner[source].get(slot, (source, slot)) if source in inner else (source, slot)
        for place, (source, slot) in ends.items()
    }


def _moved(node: Mapping[str, Any], prefix: str, aliases: Mapping[Any, Any]) -> dict[str, Any]:
    """A node whose input links have the flat graph's names."""
    inputs = []
    for one in node.get("inputs") or ():
        link = one.get("link")
        name = f"{prefix}{link}" if link is not None else None
        inputs.append({**one, "link": aliases.get(name, name)})
    return {**node, "inputs": inputs}


def _link(link: Any) -> tuple[Any, Any, int, Any, int]:
    if isinstance(link, Mapping):
        return link["id"], link["origin_id"], link["origin_slot"], link["target_id"], link["target_slot"]
    return link[0], link[1], link[2], link[3], link[4]
