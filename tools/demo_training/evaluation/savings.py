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
from ....commands.measure.results import estimate_text
from ....commands.models_of_graph import given_json
from ....commands.private_host.files import cache_folder
from ....commands.private_host.host import Host
from ....commands.private_host.server import start_server
from ....common.atomic_write import write_text
from ....runs.graph import find_node
from ....runs.record.prompt_facts import upstream
from ..training import bank

STEPS, SAMPLERS = (6, 12), ("lcm",)
_GRAPHS = FRONT_DOOR.parent / "workflows" / "api"
TITLES = {"controlnet": "one ControlNet", "two_controlnets": "two ControlNets", "controlnext": "ControlNeXt"}
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
    write_text(to / "savings.md", page({name: given_json(to / name / "savings.json") for name in TITLES}))
    return status


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """What `measure --savings` found for each graph, in one table of Markdown."""
    first = next(iter(found.values()))
    versions, seed = first["hosts"][0]["versions"], first["sampling"][0]["settings"]["seed"]
    lines = [
        "# What control savings gain and cost on the demo's models",
        "",
        f"{len(first['pictures'])} held-out scenes, seeds from {seed}, {first['date']}, Armature "
        f"{first['armature']['commit'][:12]}, ComfyUI {versions['comfyui']}, torch {versions['torch']}, "
        f"{first['hosts'][0]['device']['threads']} threads. Score: edge F1, mean ± standard error; lost: that of the same "
        "pictures with nothing left out, less this. Time: the median of whole runs, with maps, decoding and measuring, and its "
        "share of the run with nothing left out.",
        "",
        "| control | sampling | left out | score | lost | seconds | share of the time |",
        "|---" * 7 + "|",
    ]
    for name, one in found.items():
        for row in one["rows"]:
            cells = (
                TITLES[name],
                f"{row['sampler']}, {row['steps']} steps",
                row["saving"],
                estimate_text(row["score"]),
                estimate_text(row["lost"]),
                *("" if value is None else f"{value:.2f}" for value in (row["seconds"], row["share"])),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def graphs() -> dict[str, dict[str, Any]]:
    """API prompts by the names of their folders: one ControlNet, two of them, and ControlNeXt."""
    return dict(zip(TITLES, (_wordless(ONE), _two(), _wordless(NEXT)), strict=True))


def _wordless(name: str) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((_GRAPHS / f"{name}.json").read_text(encoding="utf-8"))
    for node in graph.values():
        if node["class_type"] == "CLIPTextEncode":
            node["inputs"]["text"] = ""
    return graph


def _two() -> dict[str, Any]:
    """Canny and straight lines, each with its net, over the whole schedule; depth takes a network to be had from a picture."""
    graph = _wordless(THREE)
    signals = [find_node(graph, title) for title in ("Edges signal", "Lines signal")]
    for node in signals:
        graph[node]["inputs"] |= {"start_percent": 0, "end_percent": 1}
    stack = graph[find_node(graph, "Control stack")]
    kept = {name: value for name, value in stack["inputs"].items() if not name.startswith("signals.")}
    stack["inputs"] = kept | {f"signals.signal_{number}": [node, 0] for number, node in enumerate(signals)}
    return upstream(graph, find_node(graph, "Save picture"))


def _write_scenes(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _, held = bank.held_out(0, count, torch.device("cpu"))
    for number, image in enumerate(held.images):
        Image.fromarray(image.movedim(0, -1).numpy()).save(folder / f"{number:03}.png")
