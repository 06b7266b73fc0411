"""Saved graphs: values by name and by position, bypassed and muted nodes, reroutes, subgraphs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.ui_graph import is_ui_graph, to_prompt
from armature_pack.tests.models.compatibility.graphs import ROOT

SHIPPED = sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))


def saved(nodes: list[dict[str, Any]], links: list[list[Any]], **more: Any) -> dict[str, Any]:
    return {"nodes": [{"mode": 0, **one} for one in nodes], "links": links, "version": 0.4, **more}


LOADER = {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["a.safetensors"], "outputs": []}
LORA = {
    "id": 2,
    "type": "LoraLoaderModelOnly",
    "inputs": [{"name": "model", "type": "MODEL", "link": 1}],
    "widgets_values": ["b.safetensors", 0.5],
}
SAMPLER = {
    "id": 3,
    "type": "KSampler",
    "inputs": [{"name": "model", "type": "MODEL", "link": 2}],
    "widgets_values": [7, "randomize", 20, 8, "euler", "normal", 1],
}
LINKS = [[1, 1, 0, 2, 0, "MODEL"], [2, 2, 0, 3, 0, "MODEL"]]


def convert(graph: dict[str, Any]) -> dict[str, Any]:
    return to_prompt(graph, recorded())


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_graphs_become_the_shipped_prompts(name):
    graph = json.loads((ROOT / "workflows" / f"{name}.json").read_text(encoding="utf-8"))
    wanted = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    assert is_ui_graph(graph) and not is_ui_graph(wanted)
    made = convert(graph)
    assert {key: node["class_type"] for key, node in made.items()} == {
        key: node["class_type"] for key, node in wanted.items()
    }
    for key, node in wanted.items():
        assert {name: made[key]["inputs"].get(name) for name in node["inputs"]} == node["inputs"], key


def test_values_by_position_and_the_seeds_extra_value():
    prompt = convert(saved([LOADER, LORA, SAMPLER], LINKS))
    assert prompt["1"]["inputs"] == {"ckpt_name": "a.safetensors"}
    assert prompt["2"]["inputs"] == {"lora_name": "b.safetensors", "strength_model": 0.5, "model": ["1", 0]}
    assert prompt["3"]["inputs"]["seed"] == 7 and prompt["3"]["inputs"]["steps"] == 20


def test_a_bypassed_node_is_passed_and_a_muted_one_cuts():
    bypassed = convert(saved([LOADER, LORA | {"mode": 4}, SAMPLER], LINKS))
    assert "2" not in bypassed and bypassed["3"]["inputs"]["model"] == ["1", 0]
    muted = convert(saved([LOADER, LORA | {"mode": 2}, SAMPLER], LINKS))
    assert "2" not in muted and "model" not in muted["3"]["inputs"]


def test_reroutes_primitives_and_notes():
    reroute = {"id": 4, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}]}
    number = {"id": 5, "type": "PrimitiveNode", "widgets_values": [33, "fixed"]}
    note = {"id": 6, "type": "Note", "widgets_values": ["text"]}
    sampler = SAMPLER | {
        "inputs": [*SAMPLER["inputs"], {"name": "steps", "type": "INT", "link": 3, "widget": {"name": "steps"}}]
    }
    del sampler["widgets_values"]
    prompt = convert(
        saved([LOADER, reroute, number, note, sampler],
              [[1, 1, 0, 4, 0, "MODEL"], [2, 4, 0, 3, 0, "MODEL"], [3, 5, 0, 3, 1, "INT"]])
    )  # fmt: skip
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"] == {"model": ["1", 0], "steps": 33}


def test_a_subgraph_is_written_out():
    inner = {
        "id": "abc",
        "nodes": [{**LORA, "mode": 0, "inputs": [{"name": "model", "type": "MODEL", "link": 7}]}],
        "links": [
            {"id": 7, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "MODEL"},
            {"id": 8, "origin_id": 2, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "MODEL"},
        ],
    }
    outer = {"id": 9, "type": "abc", "inputs": [{"name": "model", "type": "MODEL", "link": 1}]}
    links = [[1, 1, 0, 9, 0, "MODEL"], [2, 9, 0, 3, 0, "MODEL"]]
    prompt = convert(saved([LOADER, outer, SAMPLER], links, definitions={"subgraphs": [inner]}))
    assert set(prompt) == {"1", "9:2", "3"}
    assert prompt["9:2"]["inputs"]["model"] == ["1", 0] and prompt["3"]["inputs"]["model"] == ["9:2", 0]


def test_a_subgraph_in_itself_is_refused():
    inner = {"id": "abc", "nodes": [{"id": 1, "type": "abc", "mode": 0}], "links": []}
    with pytest.raises(PromptError, match="nested"):
        convert(saved([{"id": 9, "type": "abc"}], [], definitions={"subgraphs": [inner]}))


def test_unknown_nodes_keep_their_links_or_are_refused():
    odd = {"id": 2, "type": "OfAPack", "inputs": [{"name": "m", "type": "MODEL", "link": 1}], "widgets_values": [1]}
    graph = saved([LOADER, odd], [[1, 1, 0, 2, 0, "MODEL"]])
    assert convert(graph)["2"]["inputs"] == {"m": ["1", 0]}
    with pytest.raises(PromptError, match="OfAPack"):
        to_prompt(graph, recorded(), whole=True)


@pytest.mark.parametrize(
    "graph", [{"nodes": [{}], "links": []}, {"nodes": [3], "links": []}, {"nodes": [], "links": [[1]]}]
)
def test_a_broken_graph_is_refused_with_advice(graph):
    with pytest.raises(PromptError, match="Export"):
        convert(graph)
