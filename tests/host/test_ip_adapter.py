"""IP-Adapter, LoRA and control nets in one graph on the real server: each alone, all together, and each taken out."""

from __future__ import annotations

import io
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.api import use_client
from armature_pack.runs.errors import RunFailed
from armature_pack.runs.graph import find_node, set_inputs
from PIL import Image

API = Path(__file__).resolve().parents[2] / "workflows" / "api" / "ip_adapter_depth_lora.json"

pytestmark = pytest.mark.host

# Signal -> (what switches it off, how the graph looks that never had it: input of a node -> where it is linked instead).
SIGNALS: dict[str, tuple[dict[str, Any], dict[str, tuple[str, int]]]] = {
    "style": ({"Apply IP-Adapter.weight": 0}, {"Sampler.model": ("Apply LoRA stack", 0)}),
    "identity": (
        {"Identity LoRA.enabled": False},
        {
            "Apply IP-Adapter.model": ("Load Checkpoint", 0),
            "Prompt.clip": ("Load Checkpoint", 1),
            "Negative prompt.clip": ("Load Checkpoint", 1),
        },
    ),
    "layout": (
        {"Control signal.weight": 0},
        {"Sampler.positive": ("Prompt", 0), "Sampler.negative": ("Negative prompt", 0)},
    ),
}


@pytest.fixture(scope="module")
def graph(server) -> dict[str, Any]:
    files = {
        "Load Checkpoint.ckpt_name": "sd15_checkpoint",
        "Identity LoRA.lora_name": "sd15_lora",
        "Load IP-Adapter.ip_adapter_name": "sd15_ip_adapter",
        "Load ControlNet.control_net_name": "sd15_controlnet_depth",
    }
    small = {"Empty latent.width": 64, "Empty latent.height": 64, "Sampler.steps": 1, "Sampler.scheduler": "normal"}
    settings = {"Sampler.sampler_name": "euler", "Apply IP-Adapter.weight_type": "linear"}
    named = {key: server.model(name) for key, name in files.items()}
    made = set_inputs(json.loads(API.read_text(encoding="utf-8")), named | small | settings)
    made[find_node(made, "Load CLIP Vision")] |= {"class_type": "ArmatureTestVision", "inputs": {"width": 768}}
    return made


def picture(server, graph: dict[str, Any]) -> np.ndarray:
    result = server.run(graph)
    (saved,) = result.images(find_node(graph, "Save picture"))
    return np.asarray(Image.open(io.BytesIO(use_client(server.address, lambda client: client.fetch(saved)))))


def relinked(graph: dict[str, Any], links: dict[str, tuple[str, int]]) -> dict[str, Any]:
    changed = deepcopy(graph)
    for target, (source, slot) in links.items():
        title, _, name = target.partition(".")
        changed[find_node(changed, title)]["inputs"][name] = [find_node(changed, source), slot]
    return changed


@pytest.fixture(scope="module")
def everything(server, graph) -> np.ndarray:
    return picture(server, graph)


@pytest.fixture(scope="module")
def without_layout(server, graph) -> np.ndarray:
    """The graph that never had a control net, of either kind."""
    return picture(server, relinked(graph, SIGNALS["layout"][1]))


@pytest.mark.parametrize("signal", SIGNALS)
def test_taking_one_out_is_as_if_it_had_never_been_there(server, graph, signal, everything, without_layout) -> None:
    off, links = SIGNALS[signal]
    switched = picture(server, set_inputs(graph, off))
    assert not np.array_equal(switched, everything)
    never = without_layout if signal == "layout" else picture(server, relinked(graph, links))
    assert np.array_equal(switched, never)


def test_controlnext_in_place_of_controlnet(server, graph, everything, without_layout) -> None:
    with_controlnext = deepcopy(graph)
    with_controlnext[find_node(graph, "Load ControlNet")] = {
        "class_type": "ArmatureLoadControlNeXt",
        "inputs": {"control_net_name": server.model("controlnext_control")},
        "_meta": {"title": "Load ControlNeXt"},
    }
    found = picture(server, with_controlnext)
    assert not np.array_equal(found, everything)
    for signal, (off, links) in SIGNALS.items():
        switched = picture(server, set_inputs(with_controlnext, off))
        assert not np.array_equal(switched, found)
        never = without_layout if signal == "layout" else picture(server, relinked(with_controlnext, links))
        assert np.array_equal(switched, never)


def test_only_what_is_required_is_needed(server, graph, everything) -> None:
    """An API prompt may leave out every widget with a default; and nothing is left over of the runs in between."""
    node = find_node(graph, "Apply IP-Adapter")
    short = deepcopy(graph)
    wanted = ("model", "ip_adapter", "clip_vision", "image")
    short[node]["inputs"] = {name: short[node]["inputs"][name] for name in wanted}
    assert np.array_equal(picture(server, short), everything)


def test_an_adapter_of_another_family_is_named_on_its_node(server, graph) -> None:
    name = server.model("sdxl_ip_adapter")
    with pytest.raises(RunFailed, match=r"width 2048, but the model \(BaseModel\) reads text of width 768"):
        server.run(set_inputs(graph, {"Load IP-Adapter.ip_adapter_name": name}))


def test_embeddings_are_kept_and_used_again(server, graph, everything) -> None:
    apply = graph[find_node(graph, "Apply IP-Adapter")]["inputs"]
    first = deepcopy(graph)
    first["90"] = {
        "class_type": "ArmatureEncodeIPAdapterImage",
        "inputs": {name: apply[name] for name in ("ip_adapter", "image", "clip_vision")},
        "_meta": {"title": "Encode"},
    }
    first["91"] = {
        "class_type": "ArmatureSaveIPAdapterEmbeds",
        "inputs": {"embeds": ["90", 0]},
        "_meta": {"title": "Save embeddings"},
    }
    file = Path(server.run(first).texts("91")[0])
    second = deepcopy(graph)
    second["90"] = {
        "class_type": "ArmatureLoadIPAdapterEmbeds",
        "inputs": {"embeds_name": f"ip_adapter_embeds/{file.name} [output]"},
        "_meta": {"title": "Load embeddings"},
    }
    inputs = second[find_node(second, "Apply IP-Adapter")]["inputs"]
    inputs["embeds"] = ["90", 0]
    del inputs["image"], inputs["clip_vision"]
    assert np.array_equal(picture(server, second), everything)
