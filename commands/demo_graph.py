"""The demo's graph: the shipped example with the user's choices put in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runs.graph import find_node, set_inputs

PICTURE, SAMPLER = "Picture", "Sampler"
SAVE_PICTURE, SAVE_CONTROL_MAP = "Save picture", "Save control map"
SCALED_ID, SOURCE_ID = "demo_scaled", "demo_source"


@dataclass(frozen=True)
class Choices:
    """What the user may change. `size` is the longer side in pixels, `image` a name in the server's input folder.

    None leaves what the example says.
    """

    steps: int
    size: int
    prompt: str | None = None
    seed: int | None = None
    image: str | None = None


def read_graph(path: Path) -> dict[str, Any]:
    """An API graph from its JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def demo_graph(graph: Mapping[str, Any], checkpoint: str, control_net: str, choices: Choices) -> dict[str, Any]:
    """The example with these model files and choices, and a preview of its scaled picture under SOURCE_ID.

    Raises GraphError when the example lacks a node that the demo names.
    """
    changes = {
        "Load Checkpoint.ckpt_name": checkpoint,
        "Load Control Net.control_net_name": control_net,
        f"{SAMPLER}.steps": choices.steps,
        f"{SAMPLER}.seed": choices.seed,
        "Prompt.text": choices.prompt,
    }
    changed = set_inputs(graph, {key: value for key, value in changes.items() if value is not None})
    if choices.image is not None:
        load = {"class_type": "LoadImage", "inputs": {"image": choices.image}, "_meta": {"title": PICTURE}}
        changed[find_node(changed, PICTURE)] = load
    return _with_scaled_picture(changed, choices.size)


def _with_scaled_picture(graph: dict[str, Any], size: int) -> dict[str, Any]:
    """Puts a scaling node behind the picture: at the size of a photograph, a processor would sample for hours."""
    picture = [find_node(graph, PICTURE), 0]
    for node in graph.values():
        inputs = node["inputs"]
        inputs.update({name: [SCALED_ID, 0] for name, value in inputs.items() if value == picture})
    scale = {"image": picture, "upscale_method": "area", "largest_size": size}
    return {
        **graph,
        SCALED_ID: {
            "class_type": "ImageScaleToMaxDimension",
            "inputs": scale,
            "_meta": {"title": "Scale picture"},
        },
        SOURCE_ID: {
            "class_type": "PreviewImage",
            "inputs": {"images": [SCALED_ID, 0]},
            "_meta": {"title": "Show picture"},
        },
    }
