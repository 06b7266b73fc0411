"""A graph out of the content of any file that holds one, as the API prompt that a page can run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.graph_files import NoGraph, read_graph_bytes
from .endpoints import host_types
from .prompt import read_prompt
from .ui_graph import is_ui_graph, to_prompt

_NOTES = ("Note", "MarkdownNote")
_KEPT = ("class_type", "inputs", "_meta")


def opened(content: bytes) -> dict[str, Any]:
    """The answer of POST /armature/prompt: {prompt, notes}, of an API prompt, a saved graph, or a picture with either in it.

    notes: the texts of a saved graph's notes. Raises NoGraph for a file without a graph, PromptError for a graph that cannot
    be run as it is.
    """
    graph = read_graph_bytes(content, "prompt")  # of a picture the form that ran: every value has its name there
    saved = is_ui_graph(graph)
    prompt = to_prompt(graph, host_types, whole=True) if saved else graph
    if set(read_prompt(prompt)) != set(prompt):  # it was read out of a wrapping that holds other things too
        raise NoGraph("it holds a prompt and something else beside it. Export the graph again.")
    # Old versions of the host kept values of their own beside these, some of which are no JSON.
    kept = {name: {key: node[key] for key in _KEPT if key in node} for name, node in prompt.items()}
    for name, node in kept.items():
        if not all(math.isfinite(number) for number in _numbers(node)):
            raise NoGraph(
                f"node {name} ({node['class_type']}) holds a number that is not finite. Export the graph again."
            )
    return {"prompt": kept, "notes": list(_notes(graph)) if saved else []}


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(one)


def _notes(graph: Mapping[str, Any]) -> Iterator[str]:
    for node in graph["nodes"]:
        values = node.get("widgets_values") if node.get("type") in _NOTES else None
        if isinstance(values, list) and values and isinstance(values[0], str):
            yield values[0]
