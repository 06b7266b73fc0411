"""Whether a saved graph is built as ComfyUI saves one: what is damaged is named by its place before anything reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .prompt import PromptError, called

_LINK = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
_MEND = "Mend that place by hand, or save the graph again in ComfyUI."
_DEEPEST = 100
_LARGEST = 2**53  # whole number in the editor; beyond it dictionaries can be made slow by choosing numbers


def check_shape(saved: Mapping[str, Any], whose: str = "this graph", depth: int = 0) -> None:
    """Raise PromptError, with the place and what stands there, for a graph that cannot be read.

    whose: the graph's name in the message; depth: how many definitions it stands in.
    """
    if depth > _DEEPEST:
        raise PromptError("The subgraphs of this graph are nested too deeply, or hold themselves.")
    _check_nodes(saved, whose)
    _check_links(saved, whose)
    _check_rest(saved, whose)
    for place, inner in _objects(saved.get("definitions") or {}, "subgraphs", f"the subgraphs of {whose}"):
        if "id" not in inner:
            raise PromptError(f"Entry {place} of the subgraphs of {whose} has no id. {_MEND}")
        check_shape(inner, f"the subgraph {str(inner.get('name') or inner['id'])!r}", depth + 1)


def _check_nodes(saved: Mapping[str, Any], whose: str) -> None:
    ids: dict[str, str] = {}
    for place, node in _objects(saved, "nodes", f"the nodes of {whose}", needed=True):
        kind = _check_node(node, f"Entry {place} of the nodes of {whose}")
        number = str(node["id"])
        if number in ids:
            raise PromptError(
                f"Two nodes of {whose} have the id {number} ({ids[number]} and {kind}), so which of them a link means cannot "
                "be told. Give one of them another id, or open the graph in ComfyUI, look at its links, and save it again."
            )
        ids[number] = kind


def _check_node(node: Mapping[str, Any], where: str) -> str:
    """The type of a node that can be read."""
    for name in ("id", "type"):
        if name not in node:
            raise PromptError(f"{where} has no {name}. {_MEND}")
        if not isinstance(node[name], (str, int, float)) or isinstance(node[name], bool):
            raise PromptError(f"The {name} of {where[0].lower()}{where[1:]} is {called(node[name])}. {_MEND}")
    named = f"node {node['id']} ({node['type']})"
    for place, slot in _objects(node, "inputs", f"the inputs of {named}"):
        if "name" not in slot:
            raise PromptError(f"Entry {place} of the inputs of {named} has no name. {_MEND}")
    if not isinstance(node.get("mode"), (int, type(None))):
        raise PromptError(f"The mode of {named} is {called(node['mode'])}, and no number. {_MEND}")
    for name in ("properties", "flags"):
        if not isinstance(node.get(name), (Mapping, type(None))):
            raise PromptError(f"The {name} of {named} are {called(node[name])}, not an object. {_MEND}")
    return str(node["type"])


def _check_links(saved: Mapping[str, Any], whose: str) -> None:
    for place, link in enumerate(_list(saved, "links", f"the links of {whose}")):
        where = f"Entry {place} of the links of {whose}"
        if isinstance(link, Mapping):
            missing = next((name for name in _LINK if name not in link), "")
            if missing:
                raise PromptError(f"{where} has no {missing}. {_MEND}")
        elif not isinstance(link, list) or len(link) < len(_LINK):
            raise PromptError(
                f"{where} is {called(link)}, and neither an object nor a list of {len(_LINK)} parts or more: "
                f"{', '.join(_LINK)}. {_MEND}"
            )
        number = link["id"] if isinstance(link, Mapping) else link[0]
        if isinstance(number, int) and abs(number) > _LARGEST:
            raise PromptError(f"{where} has an id that ComfyUI's editor could not count to. {_MEND}")


def _check_rest(saved: Mapping[str, Any], whose: str) -> None:
    for name in ("last_node_id", "last_link_id"):
        if not isinstance(saved.get(name), (int, type(None))) and not str(saved[name]).isdecimal():
            raise PromptError(f"The {name} of {whose} is {called(saved[name])}, and no number. {_MEND}")
    for name in ("extra", "state", "definitions"):
        if saved.get(name) and not isinstance(saved[name], Mapping):
            raise PromptError(f"The {name} of {whose} is {called(saved[name])}, not an object. {_MEND}")
    for holder in (saved, saved.get("extra") or {}):
        for name in ("linkExtensions", "reroutes"):
            for _ in _objects(holder, name, f"the {name} of {whose}"):
                pass


def _objects(
    holder: Mapping[str, Any], name: str, whose: str, needed: bool = False
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, one in enumerate(_list(holder, name, whose, needed)):
        if not isinstance(one, Mapping):
            raise PromptError(f"Entry {place} of {whose} is {called(one)}, not an object. {_MEND}")
        yield place, one


def _list(holder: Mapping[str, Any], name: str, whose: str, needed: bool = False) -> list[Any]:
    found = holder.get(name)
    if found is None and not needed:
        return []
    if not isinstance(found, list):
        raise PromptError(f"{whose[0].upper()}{whose[1:]} are {called(found)}, not a list. {_MEND}")
    return found
