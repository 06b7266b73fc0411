"""Reading an API prompt into nodes and links; nothing in it is believed before it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...common.node_names import title_of, titled_name

MOST_NODES = 50_000
_LARGEST = 1e15
UNREAD = "unread_values"
"""Where the `_meta` of a node that came out of a saved graph holds what `Node.unread` gives."""


class PromptError(ValueError):
    """What came in is no API prompt; the message says why and what to do."""


@dataclass(frozen=True)
class Link:
    """From where a linked input takes its value."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node of a prompt: its values by input name, and its links.

    unread: values that a saved graph holds for the node, and that could not be told apart because its type is not known, or
    a script of its pack adds widgets; empty for every other node.
    """

    id: str
    class_type: str
    title: str
    inputs: Mapping[str, Any]
    unread: tuple[Any, ...] = ()

    @cached_property
    def links(self) -> dict[str, Link]:
        """The linked inputs."""
        return {name: link for name, value in self.inputs.items() if (link := as_link(value)) is not None}

    def value(self, name: str, default: Any = None) -> Any:
        """A widget's value; the default where it is left out or linked."""
        return default if name in self.links else self.inputs.get(name, default)

    def number(self, name: str, default: float) -> float:
        """A widget's number; the default where it is no number, left out or linked."""
        found = self.value(name, default)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not -_LARGEST < found < _LARGEST:
            return default  # infinity and NaN, which JSON may hold here, are no numbers to reckon with
        return float(found)

    @property
    def label(self) -> str:
        """'Sampler' (node 3, KSampler) for a person."""
        if self.title:
            return titled_name(self.title, self.id, self.class_type)
        return f"{self.class_type} (node {self.id})"


Nodes = Mapping[str, Node]


def as_link(value: Any) -> Link | None:
    """A link is a list of a node's id and the number of one of its outputs."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    node, slot = value
    if type(node) is str and type(slot) is int:  # nearly always
        return Link(node, slot)
    if isinstance(slot, bool) or not isinstance(slot, int) or isinstance(node, bool):
        return None
    return Link(str(node), slot) if isinstance(node, (str, int)) else None


def read_prompt(data: Any) -> dict[str, Node]:
    """The nodes of an API prompt, by id.

    Raises PromptError, saying what it is instead, where it is none.
    """
    if isinstance(data, Mapping) and isinstance(data.get("prompt"), Mapping):
        data = data["prompt"]
    if not isinstance(data, Mapping):
        raise PromptError(f"An API prompt is an object of nodes by id; this is {called(data)}.")
    if not data:
        raise PromptError("The prompt is empty: it has no nodes.")
    if len(data) > MOST_NODES:
        raise PromptError(f"The prompt has {len(data)} nodes; at most {MOST_NODES} can be checked.")
    return {str(key): _node(str(key), value) for key, value in data.items()}


def _node(node_id: str, value: Any) -> Node:
    if not isinstance(value, Mapping):
        raise PromptError(f"Node {node_id} of the prompt is {called(value)}, not an object with class_type and inputs.")
    class_type = value.get("class_type")
    if not isinstance(class_type, str) or not class_type:
        raise PromptError(
            f"Node {node_id} of the prompt has no class_type. Export the graph with Export (API), not with Export."
        )
    inputs = value.get("inputs", {})
    if not isinstance(inputs, Mapping):
        raise PromptError(f"The inputs of node {node_id} ({class_type}) are {called(inputs)}, not an object.")
    title = title_of(value)
    return Node(
        node_id,
        class_type,
        title if title and title != class_type else "",
        {str(name): one for name, one in inputs.items()},
        _unread(value.get("_meta")),
    )


def _unread(meta: Any) -> tuple[Any, ...]:
    values = meta.get(UNREAD) if isinstance(meta, Mapping) else None
    return tuple(values) if isinstance(values, list) else ()


def called(value: Any) -> str:
    """What a value of a JSON file is, for a person."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return next((text for kind, text in names.items() if isinstance(value, kind)), "a number")
