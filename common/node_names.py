"""How a node of an API prompt is named to a person."""

from collections.abc import Mapping
from typing import Any


def title_of(node: object) -> str | None:
    """The title the author gave a node (`_meta.title`), or None."""
    meta = node.get("_meta") if isinstance(node, Mapping) else None
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) and title else None


def linked_node(prompt: object, node_id: object, name: str) -> Mapping[str, Any]:
    """The node of an API prompt that an input is linked to; empty where the prompt does not say."""
    nodes = prompt if isinstance(prompt, Mapping) else {}
    node = nodes.get(str(node_id))
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    link = inputs.get(name) if isinstance(inputs, Mapping) else None
    found = nodes.get(str(link[0])) if isinstance(link, list) and link else None
    return found if isinstance(found, Mapping) else {}


def titled_name(title: str, node_id: str, class_type: str | None) -> str:
    """'Load Checkpoint' (node 4, CheckpointLoaderSimple)."""
    return f"'{title}' (node {node_id}, {class_type})" if class_type else f"'{title}' (node {node_id})"


def name_node(prompt: Mapping[str, Any], node_id: str, class_type: str | None = None) -> str:
    """'Load Checkpoint' (node 4, CheckpointLoaderSimple)' in full, less what is not known.

    Nodes that a running node expanded into are not in the prompt; they are named by their id and class alone.
    """
    node = prompt.get(node_id)
    title = title_of(node)
    if class_type is None and isinstance(node, Mapping):
        class_type = node.get("class_type")
    if title and title != class_type:
        return titled_name(title, node_id, class_type)
    return f"Node {node_id} ({class_type})" if class_type else f"Node {node_id}"
