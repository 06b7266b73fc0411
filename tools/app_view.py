"""What a shipped graph shows as an app: the few widgets that one would change, and the nodes whose pictures are the result.

Newer front ends keep this beside the graph (`extra.linearData`) and offer the app by a click; others do not look at it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..models.demo import is_demo_file

# Kinds of node and names of their widgets, in the order in which the app shows them, and how many of each at most.
_MOST = 4
_PICTURES = {"ArmatureExamplePicture": "name", "ArmatureExamplePoses": "name", "LoadImage": "image"}
_METHODS = {"ArmatureControlMap": "method"}
_TEXTS = {"CLIPTextEncode": "text"}
_WEIGHTS = ("weight", "weights", "strength", "strength_model", "conditioning_to_strength", "blend_factor")
_SEEDS = ("seed", "noise_seed")
_MODELS = {"CheckpointLoaderSimple": "ckpt_name", "UNETLoader": "unet_name", "ImageOnlyCheckpointLoader": "ckpt_name"}
_NAMELESS = ("name", "text")  # say nothing without their node
# What an app shows in the end: the first of these that the graph has.
_RESULTS = (("SaveImage", "SaveAnimatedWEBP"), ("PreviewImage",), ("ArmatureCompatibilityCheck",))

Prompt = Mapping[str, Mapping[str, Any]]
Chosen = tuple[str, str]  # id of a node, name of its widget


def add_app_view(graph: dict[str, Any], prompt: Prompt) -> None:
    """Put the app into a saved graph, and labels onto those of its widgets that would be mistaken for one another."""
    chosen = [one for kind in _kinds(prompt) for one in kind[:_MOST]]
    nodes = {str(node["id"]): node for node in graph["nodes"]}
    names = [name for _, name in chosen]
    for node, name in chosen:
        if name in _NAMELESS or names.count(name) > 1:
            title = prompt[node]["_meta"]["title"]
            slot = next(slot for slot in nodes[node]["inputs"] if slot["name"] == name)
            slot["label"] = title if name in _NAMELESS else f"{title}: {name}"
    shown = {
        "inputs": [[int(node), name] for node, name in chosen],
        "outputs": [int(node) for node in _results(prompt)],
    }
    graph["extra"]["linearData"] = shown


def _kinds(prompt: Prompt) -> Iterator[list[Chosen]]:
    yield _of(prompt, _PICTURES)
    yield _of(prompt, _METHODS)
    yield _of(prompt, _TEXTS)
    yield [(node, name) for node, name, _ in _values(prompt) if name in _WEIGHTS]
    seeds = [(node, name) for node, name, _ in _values(prompt) if name in _SEEDS]
    yield seeds if len(seeds) == 1 else []  # several stand for pictures to compare, and are alike
    models = _of(prompt, _MODELS)
    yield [] if any(is_demo_file(prompt[node]["inputs"][name]) for node, name in models) else models


def _values(prompt: Prompt) -> Iterator[tuple[str, str, Any]]:
    for node, one in prompt.items():
        for name, value in one["inputs"].items():
            if not isinstance(value, list):
                yield node, name, value


def _of(prompt: Prompt, kinds: Mapping[str, str]) -> list[Chosen]:
    return [(node, name) for node, name, _ in _values(prompt) if kinds.get(prompt[node]["class_type"]) == name]


def _results(prompt: Prompt) -> list[str]:
    found = ([node for node, one in prompt.items() if one["class_type"] in kinds] for kinds in _RESULTS)
    return next(filter(None, found), [])
