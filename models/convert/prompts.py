"""API prompts to a graph that can be converted, and back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..compatibility.node_types import TypesOf
from ..compatibility.prompt import Link, as_link, read_prompt
from .graph import Graph, Node, numbered, why_no_number
from .our_nodes import title_of_type


def graph_of(prompt: Mapping[str, Any], types_of: TypesOf) -> Graph:
    """The graph of an API prompt. Raises PromptError where it is none."""
    nodes: dict[str, Node] = {}
    for key, one in read_prompt(prompt).items():
        inputs = {name: as_link(value) or value for name, value in one.inputs.items()}
        nodes[key] = Node(key, one.class_type, inputs, title=one.title, unread=why_no_number(inputs))
    return Graph(nodes, numbered(list(nodes)), types_of)


def prompt_of(graph: Graph, prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt of a graph that came out of `prompt`."""
    made: dict[str, Any] = {}
    for key, node in graph.nodes.items():
        before = prompt.get(key)
        one: dict[str, Any] = copy.deepcopy(dict(before)) if isinstance(before, Mapping) else {}
        one["class_type"] = node.kind
        one["inputs"] = {
            name: [value.node, value.slot] if isinstance(value, Link) else value for name, value in node.inputs.items()
        }
        if node.changed:
            one["_meta"] = {"title": node.title or title_of_type(node.kind)}
        made[key] = one
    return made
