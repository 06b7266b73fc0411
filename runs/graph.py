"""Changing values in an API prompt, by the names a person sees or by places: '3.seed', '9:2.method.low'."""

import copy
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ..common.node_names import name_node, title_of

Prompt = Mapping[str, Any]


class GraphError(ValueError):
    """A name that fits no node or input of the graph, or more than one."""


def set_inputs(prompt: Prompt, changes: Mapping[str, Any], *, add: bool = False) -> dict[str, Any]:
    """A copy of `prompt` with inputs set as `changes` says; `prompt` itself stays as it is.

    Keys are '<node>.<input>', where <node> is a node's title ('Sampler.seed') or its id ('3.seed'), the longest that
    fits, and <input> may itself be nested ('Control map.method.low_threshold').
    With `add`, inputs that the graph leaves to their defaults may be set too. Without it they are refused, because the
    server ignores inputs it does not know, and a misspelt name would change nothing without a word.

    Raises GraphError for unknown and ambiguous names, with the closest known ones.
    """
    changed = copy.deepcopy(dict(prompt))
    for key, value in changes.items():
        node_id, input_name = find_input(changed, key, add=add)
        changed[node_id].setdefault("inputs", {})[input_name] = copy.deepcopy(value)
    return changed


def find_input(prompt: Prompt, key: str, *, add: bool = False) -> tuple[str, str]:
    """The node's id and the input's name that a key of `set_inputs` means. Raises GraphError, as `set_inputs` does."""
    node_id, input_name = _resolve(prompt, key)
    inputs = prompt[node_id].get("inputs", {})
    if input_name not in inputs and not add:
        raise GraphError(
            f"{name_node(prompt, node_id)} has no input '{input_name}'"
            f"{_did_you_mean(input_name, inputs)} Its inputs here: {_listed(inputs)}."
        )
    return node_id, input_name


def find_node(prompt: Prompt, name: str) -> str:
    """The id of the node with this title or id. Raises GraphError when there is none, or more than one."""
    fits = _names(prompt).get(name, ())
    if len(fits) > 1:
        nodes = ", ".join(name_node(prompt, node_id) for node_id in fits)
        raise GraphError(f"'{name}' could be any of {nodes}: name the node by its id, or give it a title of its own.")
    if not fits:
        raise _unknown(prompt, name)
    return fits[0]


def with_changes(graph: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The graph with other values at the places given; `graph` stays as it is."""
    prompt = dict(graph)
    for place, value in changes.items():
        node, name = _split_place(graph, place)
        prompt[node] = {**prompt[node], "inputs": {**prompt[node].get("inputs", {}), name: value}}
    return prompt


def _split_place(graph: Mapping[str, Any], place: str) -> tuple[str, str]:
    """'9:2.method.low' -> ('9:2', 'method.low'); ids may hold dots, so the longest that fits counts."""
    node = max((one for one in graph if place.startswith(f"{one}.")), key=len)
    return node, place[len(node) + 1 :]


def describe_changes(graph: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes by the nodes' titles, for summaries: 'Sampler.seed' -> 4; by id where a title is not unique."""
    titles = Counter(title_of(node) for node in graph.values())
    described = {}
    for place, value in changes.items():
        node, name = _split_place(graph, place)
        title = title_of(graph[node])
        described[f"{title if titles[title] == 1 and title else node}.{name}"] = value
    return described


def _resolve(prompt: Prompt, key: str) -> tuple[str, str]:
    """Splits '<node>.<input>' after the longest known node name."""
    # Node titles may contain dots, input names do.
    known = [name for name in _names(prompt) if key.startswith(f"{name}.")]
    if known:
        name = max(known, key=len)
        return find_node(prompt, name), key[len(name) + 1 :]
    name, dot, _ = key.partition(".")
    if not dot:
        raise GraphError(f"'{key}' names no input: write it as 'node title.input', for example 'Sampler.seed'.")
    raise _unknown(prompt, name)


def _names(prompt: Prompt) -> dict[str, list[str]]:
    """Every title and id, with the ids of the nodes it stands for."""
    names: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        for name in {node_id, title_of(node) or node_id}:
            names.setdefault(name, []).append(node_id)
    return names


def _unknown(prompt: Prompt, name: str) -> GraphError:
    titles = {title_of(node) or node_id for node_id, node in prompt.items()}
    guess = _did_you_mean(name, _names(prompt))
    return GraphError(f"The graph has no node '{name}'{guess} Its nodes: {_listed(titles)}.")


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    by_lower_case = {one.lower(): one for one in known}
    close = [by_lower_case[one] for one in get_close_matches(name.lower(), by_lower_case)]
    return f"; did you mean {' or '.join(repr(one) for one in close)}?" if close else "."


def _listed(names: Mapping[str, Any] | set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
