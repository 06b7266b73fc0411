"""The graph that a training runs as, from the options of the command."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..terminal import Problem

CONTROLNEXT, IP_ADAPTER = "controlnext", "ip-adapter"
KINDS = (CONTROLNEXT, IP_ADAPTER)
TRAIN, SHEET = "5", "6"


@dataclass(frozen=True)
class Choices:
    """checkpoint, clip_vision, start_from: names in the host's model folders; folder: inside its input folder; more: further
    inputs of the train node, as text. An IP-Adapter needs clip_vision and reads no maps.
    """

    what: str
    checkpoint: str
    folder: str
    name: str
    map: str = "from folder"
    size: int = 512
    caption: str | None = None
    steps: int = 500
    batch: int = 4
    learning_rate: float | None = None
    seed: int = 0
    resume: bool = True
    more: Mapping[str, str] = field(default_factory=dict)
    clip_vision: str = ""
    start_from: str = ""


def training_graph(choices: Choices) -> dict[str, Any]:
    """An API prompt. Raises Problem for a further input that is none."""
    captions = {"captions": "from files"}
    if choices.caption is not None:
        captions = {"captions": "one for all" if choices.caption.strip() else "empty"}
    inputs: dict[str, Any] = {
        "model": ["1", 0],
        "clip": ["1", 1],
        "vae": ["1", 2],
        "set": ["2", 0],
        "name": choices.name,
        "steps": choices.steps,
        "batch": choices.batch,
        "seed": choices.seed,
        "resume": choices.resume,
    }
    if choices.learning_rate is not None:
        inputs["learning_rate"] = choices.learning_rate
    inputs |= {name: _value(text) for name, text in choices.more.items()}
    return _nodes(choices, captions, inputs)


def _nodes(choices: Choices, captions: Mapping[str, str], inputs: dict[str, Any]) -> dict[str, Any]:
    shared = {
        "1": _node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=choices.checkpoint),
        "2": _node(
            "ArmatureTrainingFolder",
            "Pictures",
            folder=choices.folder,
            size=choices.size,
            map="none" if choices.what == IP_ADAPTER else choices.map,
            caption=choices.caption or "",
            **captions,
        ),
    }
    if choices.what == CONTROLNEXT:
        return shared | {
            TRAIN: _node("ArmatureTrainControlNeXt", "Train", **inputs),
            SHEET: _node("PreviewImage", "Sheet", images=[TRAIN, 3]),
        }
    shared["3"] = _node("CLIPVisionLoader", "Load CLIP Vision", clip_name=choices.clip_vision)
    if choices.start_from:
        shared["4"] = _node("ArmatureLoadIPAdapter", "Start from", ip_adapter_name=choices.start_from)
        inputs["start_from"] = ["4", 0]
    return shared | {
        TRAIN: _node("ArmatureTrainIPAdapter", "Train", clip_vision=["3", 0], **inputs),
        SHEET: _node("PreviewImage", "Sheet", images=[TRAIN, 2]),
    }


def further_inputs(given: list[str]) -> dict[str, str]:
    """`INPUT=VALUE` texts by name; Problem for what is none."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Problem(f"--set {text[:100]!r}: give the name of an input and its value, as in --set subset=LoRA.")
        found[name.strip()] = value.strip()
    return found


def _node(kind: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float) else text
