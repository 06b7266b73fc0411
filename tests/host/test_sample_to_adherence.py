"""Sample to Adherence on the demo's models: the smallest weight that is enough, and the picture that this weight gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.errors import RunFailed
from armature_pack.runs.graph import find_node

from .example_graphs import API, demo_models, frames_of

pytestmark = pytest.mark.host
FIND = "99"


@pytest.fixture(scope="module")
def graph(server: Any) -> dict[str, Any]:
    """The first example with the node in the place of its sampler: 64 pixels, four steps."""
    demo_models(server)
    graph = json.loads((API / "01 One control signal.json").read_text(encoding="utf-8"))
    for title in ("Scale picture", "Empty latent"):
        graph[find_node(graph, title)]["inputs"] |= {"width": 64, "height": 64}
    stack, model = find_node(graph, "Control stack"), find_node(graph, "Load Checkpoint")
    graph["97"] = {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "lcm"}}
    graph["98"] = {
        "class_type": "BasicScheduler",
        "inputs": {"model": [model, 0], "scheduler": "sgm_uniform", "steps": 4, "denoise": 1.0},
    }
    graph[FIND] = {
        "class_type": "ArmatureSampleToAdherence",
        "inputs": {
            "model": [model, 0],
            "positive": [find_node(graph, "Prompt"), 0],
            "negative": [find_node(graph, "Negative prompt"), 0],
            "latent_image": [find_node(graph, "Empty latent"), 0],
            "vae": [model, 2],
            "stack": [stack, 0],
            "sampler": ["97", 0],
            "sigmas": ["98", 0],
            "cfg": 2.0,
            "seed": 4,
            "adherence": 0.5,
            "tries": 5,
        },
    }
    for title in ("Apply control stack", "Sampler", "Decode", "Save picture", "The map"):
        del graph[find_node(graph, title)]
    graph["100"] = {"class_type": "SaveImage", "inputs": {"images": [FIND, 1], "filename_prefix": "found"}}
    graph["101"] = {"class_type": "PreviewAny", "inputs": {"source": [FIND, 2]}}
    return graph


def changed(graph: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return {**graph, FIND: {**graph[FIND], "inputs": {**graph[FIND]["inputs"], **inputs}}}


def test_the_picture_is_that_of_the_weight_that_was_found(server, graph):
    result = server.run(graph)
    (report,) = result.texts(FIND)
    weight = float(result.texts("101")[0])
    assert 0 < weight < 1 and "reaches an adherence of" in report and "of at most 5 tries" in report
    tried = [line for line in report.splitlines() if line.startswith("Tried")]
    assert 3 <= len(tried) <= 5 and len(result.images(FIND)) == 1, "the plot"
    signal = find_node(graph, "Control signal")
    by_hand = {number: node for number, node in graph.items() if number not in (FIND, "101")}
    by_hand[signal] = {**graph[signal], "inputs": {**graph[signal]["inputs"], "weight": weight}}
    given = graph[FIND]["inputs"]
    by_hand |= {
        "200": {"class_type": "ArmatureApplyControlStack", "inputs": {k: given[k] for k in ("positive", "negative", "stack")}},
        "201": {
            "class_type": "CFGGuider",
            "inputs": {"model": given["model"], "positive": ["200", 0], "negative": ["200", 1], "cfg": 2.0},
        },
        "202": {"class_type": "RandomNoise", "inputs": {"noise_seed": 4}},
        "203": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["202", 0], "guider": ["201", 0], "sampler": given["sampler"], "sigmas": given["sigmas"],
                "latent_image": given["latent_image"],
            },
        },
        "204": {"class_type": "VAEDecode", "inputs": {"samples": ["203", 0], "vae": given["vae"]}},
        "100": {"class_type": "SaveImage", "inputs": {"images": ["204", 0], "filename_prefix": "by_hand"}},
    }  # fmt: skip
    one, other = (frames_of(server, run, "100")[0] for run in (result, server.run(by_hand)))
    assert np.abs(one.astype(float) - other).max() <= 1, "but for how the weight was written out"


def test_what_cannot_be_reached_is_told_after_one_try(server, graph):
    (report,) = server.run(changed(graph, adherence=1.0)).texts(FIND)
    assert report.startswith("Warning: no weight up to 1 reaches") and report.count("Tried:") == 1


def test_a_stack_without_signals_is_refused(server, graph):
    lonely = changed(graph)
    del lonely[FIND]["inputs"]["stack"]
    with pytest.raises(RunFailed, match="no signal with a weight above 0"):
        server.run(lonely)
