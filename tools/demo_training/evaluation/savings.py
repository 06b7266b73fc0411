"""What control savings gain and cost on the demo's models: `measure --savings`, as anybody runs it, on held-out scenes.

Graphs are the pack's own first ones, without words: what a scene shows comes from its map alone. The server, the models and the
command are those of a user.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ....commands import FRONT_DOOR
from ....commands.demo.weights import written_models
from ....commands.measure import add_arguments, run
from ....commands.private_host.files import cache_folder
from ....commands.private_host.host import Host
from ....commands.private_host.server import start_server
from ....common.atomic_write import write_text
from ..training import bank

STEPS, SAMPLERS = (6, 12), ("lcm",)
_GRAPHS = FRONT_DOOR.parent / "workflows" / "api"
ONE, THREE, NEXT = "01 One control signal", "02 Three control signals", "03 ControlNeXt"


def measure_savings(to: Path, scenes: int, steps: Sequence[int] = STEPS, samplers: Sequence[str] = SAMPLERS) -> int:
    """Measure every graph into a folder of its own below `to`; what is there already is not drawn again. The worst status."""
    pictures = to / "scenes"
    _write_scenes(pictures, scenes)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    folder = to / "server"
    options = [part for kind in ("input", "output", "temp") for part in (f"--{kind}-directory", str(folder / kind))]
    for kind in ("input", "output", "temp"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    base = written_models(cache_folder() / "demo")
    status = 0
    with start_server(
        Host.from_environment(), pack=FRONT_DOOR.parent, base_directory=base, arguments=options
    ) as server:
        for name, graph in graphs().items():
            path = to / f"{name}.json"
            write_text(path, json.dumps(graph, indent=1) + "\n")
            given = [str(path), "--pictures", str(pictures), "--out", str(to / name), "--server", server.address]
            ways = ["--savings", "--steps", *map(str, steps), "--samplers", *samplers]
            status = max(status, run(parser.parse_args([*given, *ways])))
    return status


def graphs() -> dict[str, dict[str, Any]]:
    """API prompts by the names of their folders: one ControlNet, two of them, and ControlNeXt."""
    return {"controlnet": _wordless(ONE), "two_controlnets": _two(), "controlnext": _wordless(NEXT)}


def _wordless(name: str) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((_GRAPHS / f"{name}.json").read_text(encoding="utf-8"))
    for node in graph.values():
        if node["class_type"] == "CLIPTextEncode":
            node["inputs"]["text"] = ""
    return graph


def _two() -> dict[str, Any]:
    """Canny and straight lines, each with its net, over the whole schedule; depth takes a network to be had from a picture."""
    graph = _wordless(THREE)
    (stack,) = _of(graph, "ArmatureControlStack").values()
    depth = _named(graph, "armature_demo_depth.safetensors")
    chosen = [
        (name, source)
        for name, source in sorted(stack["inputs"].items())
        if name.startswith("signals.") and graph[source[0]]["inputs"]["control_net"][0] not in depth
    ]
    for name in [name for name in stack["inputs"] if name.startswith("signals.")]:
        del stack["inputs"][name]
    for number, (_, source) in enumerate(chosen):
        stack["inputs"][f"signals.signal_{number}"] = source
        graph[source[0]]["inputs"] |= {"start_percent": 0, "end_percent": 1}
    return _reached(graph)


def _of(graph: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {key: node for key, node in graph.items() if node["class_type"] == kind}


def _named(graph: Mapping[str, Any], file: str) -> set[str]:
    return {key for key, node in graph.items() if file in node["inputs"].values()}


def _reached(graph: Mapping[str, Any]) -> dict[str, Any]:
    """The graph without what no picture that is saved comes from."""
    kept: dict[str, Any] = {}
    waiting = list(_of(graph, "SaveImage"))
    while waiting:
        key = waiting.pop()
        if key not in kept:
            kept[key] = graph[key]
            waiting += [value[0] for value in graph[key]["inputs"].values() if isinstance(value, list)]
    return {key: kept[key] for key in graph if key in kept}


def _write_scenes(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _, held = bank.held_out(0, count, torch.device("cpu"))
    for number, image in enumerate(held.images):
        Image.fromarray(image.movedim(0, -1).numpy()).save(folder / f"{number:03}.png")
