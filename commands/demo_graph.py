"""The demo's graph: the shipped comparison with the user's choices put in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runs.graph import find_node, set_inputs

PICTURE, PALETTE, SCALED, MAP = "Picture", "Palette picture", "Scale picture", "The map"
WAYS = ("no control", "ControlNet", "ControlNeXt", "all three")
SOURCE_ID = "demo_source"


@dataclass(frozen=True)
class Choices:
    """What the user may change. `size`: both sides in pixels; `image`, `palette`: names in the server's input folder.

    None leaves what the example says.
    """

    steps: int
    size: int
    prompt: str | None = None
    seed: int | None = None
    image: str | None = None
    palette: str | None = None


def read_graph(path: Path) -> dict[str, Any]:
    """An API graph from its JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def demo_graph(graph: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """The example with these choices, and a preview of its scaled picture under SOURCE_ID.

    Raises GraphError when the example lacks a node that the demo names.
    """
    sides = [f"{title}.{side}" for title in (SCALED, "Empty latent") for side in ("width", "height")]
    changes: dict[str, Any] = dict.fromkeys(sides, choices.size) | {"Prompt.text": choices.prompt}
    for way in WAYS:
        changes |= {f"Sampler, {way}.steps": choices.steps, f"Sampler, {way}.seed": choices.seed}
    changed = set_inputs(graph, {key: value for key, value in changes.items() if value is not None})
    for title, image in ((PICTURE, choices.image), (PALETTE, choices.palette)):
        if image is not None:
            load = {"class_type": "LoadImage", "inputs": {"image": image}, "_meta": {"title": title}}
            changed[find_node(changed, title)] = load
    source = {"images": [find_node(changed, SCALED), 0]}
    return {
        **changed,
        SOURCE_ID: {"class_type": "PreviewImage", "inputs": source, "_meta": {"title": "Show picture"}},
    }
