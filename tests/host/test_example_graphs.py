"""Every example graph runs as it is, but for the names of its model files and, to be quick, its size and steps."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.graph import find_node, set_inputs
from PIL import Image

from .example_graphs import API, SWITCHES, WORKFLOWS, frames_of, small_graph

TRAINING = WORKFLOWS / "training" / "ink_solids"

pytestmark = pytest.mark.host

# The first graphs are run in the browser (browser/test_first_graphs.py), with the demo's large files.
NAMES = sorted(path.stem for path in API.glob("*.json") if not path.stem.startswith("0"))
TOGETHER = ("lora_training", "two_loras")  # what the first one makes is for the second: one test for both
NO_PICTURE = ("compatibility_check",)
OFF = {"Control signal.weight": 0}
# What a node of an example graph must say: title -> words.
REPORTS: dict[str, dict[str, str]] = {
    "controlnext_sdxl_lora": {"ControlNeXt weights": "differences to the base"},
    "ip_adapter_depth_lora": {"Apply LoRA stack": "LoRA for SD 1.5"},
    "controlnext_svd": {"ControlNeXt weights": "full weights", "Align poses": "reference in front: 4 maps"},
}


@pytest.fixture(scope="module")
def run_once(server):
    """From a graph's name to the graph and its result: it runs when first asked for."""

    @cache
    def run(name: str) -> tuple[dict[str, Any], Any]:
        graph = small_graph(server, name)
        return graph, server.run(graph)

    return run


SAVES = ("SaveImage", "SaveAnimatedWEBP")
NOT_THE_PICTURE = ("Save control map", "Save no control", "Save without style")


def saving_node(graph: dict[str, Any]) -> str:
    return next(
        number
        for number, node in graph.items()
        if node["class_type"] in SAVES and node["_meta"]["title"] not in NOT_THE_PICTURE
    )


@pytest.fixture(scope="module", autouse=True)
def captioned_pictures(server):
    """The shipped training pictures in the host's input folder, smaller."""
    folder = server.input_folder / TRAINING.name
    folder.mkdir(parents=True)
    for file in TRAINING.iterdir():
        if file.suffix == ".txt":
            (folder / file.name).write_bytes(file.read_bytes())
        else:
            Image.open(file).resize((64, 64)).save(folder / file.name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TOGETHER + NO_PICTURE])
def test_the_example_graph_runs_and_its_control_acts(server, run_once, name):
    graph, result = run_once(name)
    node = saving_node(graph)
    controlled = frames_of(server, result, node)
    for title, words in REPORTS.get(name, {}).items():
        assert words in result.texts(find_node(graph, title))[0]
    assert controlled and controlled[0].std() > 1
    free = frames_of(server, server.run(small_graph(server, name, SWITCHES.get(name, OFF))), node)
    assert len(free) == len(controlled)
    assert any(not np.array_equal(one, other) for one, other in zip(controlled, free, strict=True))


def test_the_check_alone_loads_nothing(server):
    graph = small_graph(server, "compatibility_check")
    result = server.run(graph)
    assert "armature_demo.safetensors: SD 1.5 checkpoint" in result.texts(find_node(graph, "Compatibility check"))[0]
    assert list(result.outputs) == [find_node(graph, "Compatibility check")]


def test_a_set_of_pictures_runs_one_by_one(run_once):
    graph, result = run_once("batch_folder")
    assert len(result.images(saving_node(graph))) == 4


def test_the_clip_has_a_map_for_each_frame_and_loses_its_reference_frame(server, run_once):
    _, result = run_once("controlnext_svd")
    assert len(frames_of(server, result, "18")) == 3 and len(result.images("19")) == 4


def test_a_lora_that_the_host_trains_acts_at_once_and_beside_another(server):
    training = small_graph(server, "lora_training")
    at_once = frames_of(server, server.run(training), saving_node(training))[0]
    without = set_inputs(training, {"Try the LoRA.strength_model": 0})
    assert not np.array_equal(at_once, frames_of(server, server.run(without), saving_node(without))[0])
    # The first training of a fresh output folder, and the only one: the host knew what was asked for again.
    (trained,) = (server.output_folder / "loras").glob("ink_solids_2_steps_*.safetensors")
    pictures = []
    for strength in (0.8, 0.4):
        changes = {"Style LoRA.lora_name": trained.name, "Style LoRA.strength_model": strength}
        both = small_graph(server, "two_loras", changes)
        result = server.run(both)
        pictures.append(frames_of(server, result, saving_node(both))[0])
    report = result.texts(find_node(both, "Apply LoRA stack"))[0]
    assert "LoRA for SD 1.5, model; rank 8" in report and "Used: 648 of 648 tensors" in report
    assert "Strength 0.5 on the model" in report
    assert not np.array_equal(*pictures)
