"""The demo's graph: the shipped example with the user's choices put in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runs.graph import find_node, set_inputs

PICTURE, SAMPLER = "Picture", "Sampler"
SAVE_PICTURE, SAVE_CONTROL_MAP = "Save picture", "Save control map"
SOURCE_ID = "armature_demo_source"


@dataclass(frozen=True)
class Choices:
    """What the user may change; None leaves the example's own value. `image` is a name in the server's input folder."""

    prompt: str | None = None
    seed: int | None = None
    steps: int | None = None
    size: int | None = None
    image: str | None = None


def read_graph(path: Path) -> dict[str, Any]:
    """An API graph from its JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def demo_graph(graph: Mapping[str, Any], checkpoint: str, control_net: str, choices: Choices) -> dict[str, Any]:
    """The example with these model files and choices, and a preview of its source picture under SOURCE_ID.

    Raises GraphError when the example lacks a node that the demo names.
    """
    sampler = find_node(graph, SAMPLER)
    changes: dict[str, Any] = {
        "Load Checkpoint.ckpt_name": checkpoint,
        "Load ControlNet Model.control_net_name": control_net,
        f"{sampler}.seed": choices.seed,
        f"{sampler}.steps": choices.steps,
        f"{_text_node(graph, sampler)}.text": choices.prompt,
    }
    for node_id, node in graph.items():
        if node["class_type"] == "EmptyLatentImage":
            changes |= {f"{node_id}.width": choices.size, f"{node_id}.height": choices.size}
    changed = set_inputs(graph, {key: value for key, value in changes.items() if value is not None})

    source = find_node(changed, PICTURE)
    if choices.image is not None:
        changed[source] = {"class_type": "LoadImage", "inputs": {"image": choices.image}, "_meta": {"title": PICTURE}}
    # The example does not save its source; a preview hands over exactly what the graph saw.
    preview = {"class_type": "PreviewImage", "inputs": {"images": [source, 0]}, "_meta": {"title": "Source picture"}}
    return {**changed, SOURCE_ID: preview}


def _text_node(graph: Mapping[str, Any], sampler: str) -> str:
    """The node that holds the positive text: upstream of the sampler's `positive`, whatever lies between."""
    node_id = sampler
    for _ in graph:
        inputs = graph[node_id]["inputs"]
        if isinstance(inputs.get("text"), str):
            return node_id
        link = inputs.get("positive", inputs.get("conditioning"))
        if not isinstance(link, list):
            break
        node_id = link[0]
    return sampler  # No text upstream: set_inputs refuses a prompt by name.
