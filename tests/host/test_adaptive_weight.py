"""A weight that corrects itself, through the real server on the demo's models: what it did, and that off it is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from armature_pack.runs.graph import find_node

from .example_graphs import frames_of, small_graph

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def graph(server: Any) -> dict[str, Any]:
    """The example, of 64 pixels and four steps."""
    sizes = {f"{title}.{side}": 64 for title in ("Scale picture", "Empty latent") for side in ("width", "height")}
    return small_graph(server, "adaptive_weight", sizes | {"Sampler.steps": 4, "Adaptive weight.every": 1})


def changed(graph: dict[str, Any], title: str, **inputs: Any) -> dict[str, Any]:
    number = find_node(graph, title)
    return {**graph, number: {**graph[number], "inputs": {**graph[number]["inputs"], **inputs}}}


def picture(server: Any, graph: dict[str, Any]) -> np.ndarray:
    return frames_of(server, server.run(graph), find_node(graph, "Save picture"))[0]


def test_the_report_draws_the_weight_and_the_adherence_over_the_steps(server, graph):
    bold = changed(graph, "Adaptive weight", adherence=1, proportional=2)
    number = find_node(graph, "What the weight did")
    result = server.run(bold)
    (report,) = result.texts(number)
    first, *table = report.splitlines()
    assert "its weight went from 0.6 to 0.9 (0.6 to 0.9 on the way)" in first and "of 1 wanted" in first
    rows = [row.split() for row in table[1:]]
    assert [row[:2] for row in rows[:2]] == [["1", "0.600"], ["2", "0.600"]] and rows[2][1] == "0.900"
    assert [len(row) for row in rows] == [2, 3, 3, 2], "neither the first step nor the last is looked at"
    (plot,) = frames_of(server, result, number)
    assert plot.shape[1] == 1200 and (plot != 255).any()
    (told,) = result.texts(find_node(graph, "Apply control stack"))
    assert "corrects itself every step, times 0.5 to 1.5, towards an adherence of 1" in told


def test_off_and_within_limits_of_one_the_picture_is_that_of_the_constant_weight(server, graph):
    signal, report = find_node(graph, "Control signal"), find_node(graph, "What the weight did")
    without = {number: node for number, node in graph.items() if number != report}
    without = changed(without, "Decode", samples=[find_node(graph, "Sampler"), 0])
    without[signal] = {
        **graph[signal],
        "inputs": {k: v for k, v in graph[signal]["inputs"].items() if k != "adaptation"},
    }
    constant = picture(server, without)
    assert (picture(server, changed(graph, "Adaptive weight", lowest=1, highest=1)) == constant).all()


def test_a_report_before_any_sampling_says_what_to_link(server, graph):
    number, model, latent = (
        find_node(graph, title) for title in ("What the weight did", "Load Checkpoint", "Empty latent")
    )
    lonely = {
        **{name: graph[name] for name in (model, latent)},
        "adaptation": {"class_type": "ArmatureControlAdaptation", "inputs": {"vae": [model, 2], "every": 3}},
        number: {**graph[number], "inputs": {"samples": [latent, 0], "adaptation": ["adaptation", 0]}},
    }
    (report,) = server.run(lonely).texts(number)
    assert report.startswith("Warning") and "no sampling with this adaptation has run" in report
