"""Every example graph runs as it is, but for the names of its model files and, to be quick, its size and steps."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.blocking import use_client
from armature_pack.runs.graph import find_node, set_inputs
from PIL import Image, ImageSequence

API = Path(__file__).resolve().parents[2] / "workflows" / "api"

pytestmark = pytest.mark.host

CONTROL = "controlnext_control"
SMALL = {"Empty latent.width": 128, "Empty latent.height": 128, "Sampler.steps": 2}
# Example graph -> (model files: input -> generated file, other changes).
GRAPHS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "control_signal": (
        {"Load Checkpoint.ckpt_name": "sd15_checkpoint", "Load Control Net.control_net_name": "sd15_controlnet_canny"},
        SMALL,
    ),
    "controlnext_sd15": (
        {"Load Checkpoint.ckpt_name": "sd15_checkpoint", "Load ControlNeXt.control_net_name": CONTROL},
        SMALL,
    ),
    "controlnext_sdxl_lora": (
        {
            "Load Checkpoint.ckpt_name": "sdxl_checkpoint",
            "Load ControlNeXt.control_net_name": CONTROL,
            "ControlNeXt weights.weights_name": "controlnext_weights_sdxl",
            "Load LoRA.lora_name": "sdxl_lora",
        },
        SMALL,
    ),
    # The small network has none of the blocks that style transfer names.
    "ip_adapter_style": (
        {
            "Load Checkpoint.ckpt_name": "sd15_checkpoint",
            "Load IP-Adapter.ip_adapter_name": "sd15_ip_adapter",
            "Load CLIP Vision.clip_name": "clip_vision_l",
        },
        SMALL | {"Apply IP-Adapter.weight_type": "linear"},
    ),
    "ip_adapter_depth_lora": (
        {
            "Load Checkpoint.ckpt_name": "sd15_checkpoint",
            "Identity LoRA.lora_name": "sd15_lora",
            "Load IP-Adapter.ip_adapter_name": "sd15_ip_adapter",
            "Load CLIP Vision.clip_name": "clip_vision_l",
            "Load Control Net.control_net_name": "sd15_controlnet_depth",
        },
        SMALL | {"Apply IP-Adapter.weight_type": "linear"},
    ),
    "controlnext_svd": (
        {
            "Load video checkpoint.ckpt_name": "svd_checkpoint",
            "Load ControlNeXt.control_net_name": CONTROL,
            "ControlNeXt weights.weights_name": "controlnext_weights_svd",
        },
        {
            "Clip.width": 64,
            "Clip.height": 64,
            "Clip.video_frames": 4,
            "Poses of the clip.frames": 3,
            "Windows.length": 3,
            "Windows.overlap": 1,
            "Sampler.steps": 2,
        },
    ),
}
# What switches the graph's signal off.
SWITCHES = {"ip_adapter_style": "Apply IP-Adapter__weight"}
# What a node of an example graph must say: title -> words.
REPORTS: dict[str, dict[str, str]] = {
    "controlnext_sdxl_lora": {"ControlNeXt weights": "differences to the base"},
    "ip_adapter_depth_lora": {"Apply LoRA stack": "LoRA for SD 1.5"},
    "controlnext_svd": {"ControlNeXt weights": "full weights", "Align poses": "reference in front: 4 maps"},
}


def small_graph(server, name: str, **changes: Any) -> dict[str, Any]:
    files, settings = GRAPHS[name]
    graph = json.loads((API / f"{name}.json").read_text(encoding="utf-8"))
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return set_inputs(graph, {key: server.model(file) for key, file in files.items()} | settings | named)


def frames_of(server, result, node: str) -> list[np.ndarray]:
    saved = result.images(node)
    pictures = [Image.open(io.BytesIO(use_client(server.address, lambda c, one=one: c.fetch(one)))) for one in saved]
    return [np.asarray(frame.convert("RGB")) for picture in pictures for frame in ImageSequence.Iterator(picture)]


def saving_node(graph: dict[str, Any]) -> str:
    return next(
        number
        for number, node in graph.items()
        if node["class_type"].startswith("Save") and node["_meta"]["title"] != "Save control map"
    )


def test_every_example_graph_is_tried_here():
    assert set(GRAPHS) == {path.stem for path in API.glob("*.json")}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_example_graph_runs_and_its_control_acts(server, name):
    graph = small_graph(server, name)
    node = saving_node(graph)
    result = server.run(graph)
    controlled = frames_of(server, result, node)
    for title, words in REPORTS.get(name, {}).items():
        assert words in result.texts(find_node(graph, title))[0]
    assert controlled and controlled[0].std() > 1
    free = frames_of(
        server, server.run(small_graph(server, name, **{SWITCHES.get(name, "Control signal__weight"): 0})), node
    )
    assert len(free) == len(controlled)
    assert any(not np.array_equal(one, other) for one, other in zip(controlled, free, strict=True))


def test_the_clip_has_a_map_for_each_frame_and_loses_its_reference_frame(server):
    result = server.run(small_graph(server, "controlnext_svd"))
    assert len(frames_of(server, result, "18")) == 3 and len(result.images("19")) == 4
