"""Graphs that people saved with earlier versions: their nodes, inputs and choices are still there, and they run."""

from __future__ import annotations

from typing import Any

import pytest
from armature_pack.commands.private_host.definition import DEFAULT
from armature_pack.tests.server_fixture import find_host
from armature_pack.tools.commands.examples import version

from .example_graphs import small_graph
from .old_graphs import GRAPHS, KEPT, kept, worth_trying

pytestmark = pytest.mark.host

# Settings that the host's own nodes got later, with the value by which an older host works without being asked.
LATER = [("SDPoseDrawKeypoints", "draw_head", True), ("TrainLoraNode", "quantized_backward", False)]

FILES = (".safetensors", ".pth", ".onnx", ".tflite", ".ckpt")


def inputs_of(description: dict[str, Any]) -> dict[str, Any]:
    return {**description["input"].get("required", {}), **description["input"].get("optional", {})}


def choices_of(spec: list[Any]) -> list[Any] | None:
    """What a combo offers; None for other inputs, and for those that list files or folders of the user."""
    options = spec[0] if isinstance(spec[0], list) else (spec[1] if len(spec) > 1 else {}).get("options")
    return [one.get("key") if isinstance(one, dict) else one for one in options] if options else None


def problems(graph: dict[str, Any], object_info: dict[str, Any]) -> list[str]:
    found = []
    for node in graph.values():
        kind = node["class_type"]
        if kind not in object_info:
            found.append(f"{kind} is gone")
            continue
        known = inputs_of(object_info[kind])
        for name, value in node["inputs"].items():
            if name.partition(".")[0] not in known:
                found.append(f"{kind}.{name} is gone")
            elif isinstance(value, str) and not value.endswith(FILES) and name in known and name != "folder":
                choices = choices_of(known[name])
                if choices is not None and value not in choices:
                    found.append(f"{kind}.{name} no longer takes {value!r}")
    return found


def for_this_host(graph: dict[str, Any]) -> dict[str, Any]:
    """The graph, on an older host without the settings that change nothing there."""
    if find_host().version == DEFAULT.version:
        return graph
    for kind, name, value in LATER:
        for node in graph.values():
            if node["class_type"] == kind and node["inputs"].get(name) == value:
                del node["inputs"][name]
    return graph


def test_this_version_is_kept():
    assert (KEPT / version()).is_dir(), "run `python armature.py examples --keep`"


@pytest.mark.parametrize(("version", "name"), GRAPHS)
def test_every_node_input_and_choice_is_still_there(server, version, name):
    assert problems(for_this_host(kept(version, f"api/{name}.json")), server.object_info) == []


def test_what_is_gone_is_noticed(server):
    graph = kept("0.1.0", "api/control_signal.json")
    graph["7"]["inputs"] |= {"fit": "squeeze", "strength": 1}
    graph["8"]["class_type"] = "ArmatureOldStack"
    told = ["ArmatureControlSignal.fit no longer takes 'squeeze'", "ArmatureControlSignal.strength is gone"]
    assert sorted(problems(graph, server.object_info)) == [*told, "ArmatureOldStack is gone"]


@pytest.mark.parametrize(("version", "name"), worth_trying("api/"))
def test_it_still_runs(server, version, name):
    graph = small_graph(server, name, folder=KEPT / version / "api")
    outputs = server.run(graph).outputs
    assert set(outputs) <= set(graph) and outputs
