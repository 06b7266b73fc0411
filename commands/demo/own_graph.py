"""The demo's graph for the user's own models: the shipped comparison, less what there are no files for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...runs.graph import find_node
from ...runs.record.prompt_facts import upstream

GRAPH = Path(__file__).resolve().parents[2] / "workflows" / "api" / "compare_controls.json"
# The model folder of each file, by its option.
FOLDERS: Mapping[str, str] = {
    "checkpoint": "checkpoints",
    "controlnet": "controlnet",
    "ip_adapter": "ipadapter",
    "clip_vision": "clip_vision",
    "lora": "loras",
}
_LOADERS = {
    "checkpoint": ("Load Checkpoint", "ckpt_name"),
    "controlnet": ("Load ControlNet", "control_net_name"),
    "ip_adapter": ("Load IP-Adapter", "ip_adapter_name"),
    "clip_vision": ("Load CLIP Vision", "clip_name"),
    "lora": ("Style LoRA", "lora_name"),
}
ALL = "all three"  # the shipped graph's title of the last way
PROMPT = "a cup of coffee on a wooden table, morning light, photograph"
NEGATIVE = "blurry, text, watermark"
_SAMPLING = {"cfg": 7, "sampler_name": "euler", "scheduler": "normal", "steps": 20, "seed": 1}


@dataclass(frozen=True)
class OwnGraph:
    """graph: an API prompt with the titles of the shipped one. ways: what they are called, by these titles."""

    graph: dict[str, Any]
    ways: Mapping[str, str]


def own_graph(files: Mapping[str, Path], method: str) -> OwnGraph:
    """files: by option, with a checkpoint and a ControlNet; method: that makes its map."""
    graph = json.loads(GRAPH.read_text(encoding="utf-8"))
    by_title = {node["_meta"]["title"]: key for key, node in graph.items()}

    def inputs(title: str) -> dict[str, Any]:
        return graph[by_title[title]]["inputs"]

    for name, path in files.items():
        title, value = _LOADERS[name]
        inputs(title)[value] = path.name
    more = [word for name, word in (("lora", "LoRA"), ("ip_adapter", "IP-Adapter")) if name in files]
    ways = {"no control": "no control", "ControlNet": "ControlNet"}
    if more:
        ways[ALL] = f"ControlNet, {' and '.join(more)}"
    for way in ways:
        inputs(f"Sampler, {way}").update(_SAMPLING)
        inputs(f"Adherence, {way}")["method"] = method
    inputs("Scale picture")["upscale_method"] = "lanczos"
    inputs("Picture")["name"], inputs("Palette picture")["name"] = "coffee", "landscape"
    inputs("Prompt")["text"], inputs("Negative prompt")["text"] = PROMPT, NEGATIVE
    if method != "canny":
        picture = inputs("Edges")["image"]
        graph[by_title["Edges"]] |= {"class_type": "ArmatureControlMap", "inputs": {"image": picture, "method": method}}
    _join_all(graph, by_title, files)
    ends = ["The map", *(f"{what} {way}" for way in ways for what in ("Save", "Adherence,"))]
    needed = {key for title in ends for key in upstream(graph, find_node(graph, title))}
    return OwnGraph({key: node for key, node in graph.items() if key in needed}, ways)


def _join_all(graph: dict[str, Any], by_title: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """The last way through what there is: the LoRA reads the prompt too, and words stay beside an IP-Adapter."""
    checkpoint, lora = by_title["Load Checkpoint"], by_title["Apply LoRA stack"]
    base = lora if "lora" in files else checkpoint
    adapter = graph[by_title["Apply IP-Adapter"]]["inputs"]
    adapter |= {"model": [base, 0], "weight": 0.6}
    last = graph[by_title[f"Sampler, {ALL}"]]["inputs"]
    last["model"] = [by_title["Apply IP-Adapter"], 0] if "ip_adapter" in files else [base, 0]
    graph[by_title["Style LoRA"]]["inputs"] |= {"strength_model": 0.8, "strength_clip": 0.8}
    texts, applied = {}, f"{by_title['Apply ControlNet']}_all"
    for title, name in (("Prompt", "positive"), ("Negative prompt", "negative")):
        key = by_title[title]
        texts[name] = [f"{key}_all", 0]
        graph[f"{key}_all"] = {
            **graph[key],
            "inputs": {**graph[key]["inputs"], "clip": [base, 1]},
            "_meta": {"title": f"{title}, all"},
        }
    apply = graph[by_title["Apply ControlNet"]]
    graph[applied] = {**apply, "inputs": {**apply["inputs"], **texts}, "_meta": {"title": "Apply ControlNet, all"}}
    last |= {"positive": [applied, 0], "negative": [applied, 1]}
