"""What an API prompt says about a picture: the nodes it came through, samplers, files that nodes name."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...common.node_names import title_of

SAMPLING = (
    "seed",
    "noise_seed",
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "denoise",
    "start_at_step",
    "end_at_step",
    "add_noise",
)
MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".pkl")


def upstream(prompt: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The node and everything it depends on, in the prompt's order."""
    reached: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current in prompt and current not in reached:
            reached.add(current)
            inputs = prompt[current].get("inputs", {})
            waiting += [str(value[0]) for value in inputs.values() if isinstance(value, list) and len(value) == 2]
    return {name: entry for name, entry in prompt.items() if name in reached}


def sampling(nodes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Seeds and settings of the samplers: each node that has any of them as a value."""
    found = []
    for node_id, node in nodes.items():
        settings = {
            name: node["inputs"][name]
            for name in SAMPLING
            if name in node.get("inputs", {}) and not isinstance(node["inputs"][name], list)
        }
        if set(settings) - {"steps", "denoise"}:
            told = {"node": node_id, "title": title_of(node) or "", "class_type": node["class_type"]}
            found.append({**told, "settings": settings})
    return found


def model_names(nodes: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(node, input, name) of every value that looks like a model file's name."""
    for node_id, node in nodes.items():
        for name, value in node.get("inputs", {}).items():
            if isinstance(value, str) and value.lower().endswith(MODEL_SUFFIXES):
                yield node_id, name, value
