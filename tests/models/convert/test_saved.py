"""Saved graphs: what the editor makes of a converted file is what converting its prompt gives."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from armature_pack.models.compatibility.node_types import NodeTypes, layered, recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.ui_graph import to_prompt
from armature_pack.models.convert.convert import convert
from armature_pack.models.convert.packs import PACKS
from armature_pack.models.convert.saved import types_of_widgets
from armature_pack.tests.saved_graphs import host_graphs

from .cases import CASES, Prompt


def _other(kind: str) -> NodeTypes | None:
    return next((types_of_widgets(pack.nodes[kind].widgets) for pack in PACKS if kind in pack.nodes), None)


TYPES = layered(recorded(), _other)
# Of the host's own graphs some with controls, patches and LoRAs; in the last three their values stand on the subgraph.
NAMES = (
    "template/gsl_creator_2",
    "template/image_qwen_Image_2512_controlnet",
    "template/image_qwen_image_controlnet_patch",
    "template/image_z_image_turbo_fun_union_controlnet",
    "template/sd3.5_large_canny_controlnet_example",
    "blueprint/Pose to Image (Z-Image-Turbo)",
    "template/image_flux2_fp8",
    "template/image_anima_base_v1",
    "template/video_wan_dancer",
)


def meaning(prompt: Prompt) -> Counter[str]:
    """The nodes of a prompt whatever their ids are: each by its values and what leads to it, without our defaults."""

    def of(key: str, seen: tuple[str, ...] = ()) -> str:
        if key in seen or key not in prompt:
            return "?"
        kind, inputs = prompt[key]["class_type"], prompt[key]["inputs"]
        types = recorded()(kind)
        defaults = {one.name: one.default for one in types.part.widgets} if types and types.part else {}
        parts = []
        for name, value in sorted(inputs.items()):
            if isinstance(value, list) and len(value) == 2:
                parts.append(f"{name}<-{of(value[0], (*seen, key))}.{value[1]}")
            elif not kind.startswith("Armature") or value != defaults.get(name):
                parts.append(f"{name}={float(value) if isinstance(value, int) else value!r}")
        return f"{kind}({', '.join(parts)})"

    return Counter(of(key) for key in prompt)


def saved(prompt: Prompt) -> dict[str, Any]:
    """A prompt as a saved graph: values by position, links by number."""
    numbers = {key: place for place, key in enumerate(prompt, start=1)}
    nodes, links = [], []
    for key, one in prompt.items():
        types = TYPES(one["class_type"])
        part = types.part if types else None
        inputs = []
        for name, value in one["inputs"].items():
            if isinstance(value, list):
                links.append([len(links) + 1, numbers[value[0]], value[1], numbers[key], len(inputs), "*"])
                kind = (types.input_type(name) if types else None) or "*"
                inputs.append({"name": name, "type": kind, "link": len(links)})
        widgets = part.widgets if part else ()
        values = [one["inputs"].get(widget.name, widget.default) if widget.name else "fixed" for widget in widgets]
        values = [
            widget.default if isinstance(value, list) else value for widget, value in zip(widgets, values, strict=True)
        ]
        outputs = [{"name": kind, "type": kind, "links": []} for kind in (types.outputs if types else ())] or [
            {"name": "*", "type": "*", "links": []} for _ in range(3)
        ]
        for slot in inputs:  # a widget whose value is linked
            if any(widget.name == slot["name"] for widget in widgets):
                slot["widget"] = {"name": slot["name"]}
        nodes.append(
            {
                "id": numbers[key],
                "type": one["class_type"],
                "pos": [300 * len(nodes), 0],
                "size": [200, 100],
                "mode": 0,
                "inputs": inputs,
                "outputs": outputs,
                "widgets_values": values,
            }
        )
    return {"nodes": nodes, "links": links, "last_node_id": len(nodes), "last_link_id": len(links), "version": 0.4}


def check_whole(graph: dict[str, Any]) -> None:
    """Links, inputs and outputs tell the same; no id is there twice."""
    ids = [one["id"] for one in graph["nodes"]]
    assert len(set(ids)) == len(ids) and graph["last_node_id"] >= max(ids)
    by_id = {one["id"]: one for one in graph["nodes"]}
    for number, source, slot, target, place, kind in graph["links"]:
        assert by_id[target]["inputs"][place]["link"] == number <= graph["last_link_id"]
        assert number in by_id[source]["outputs"][slot]["links"] and by_id[source]["outputs"][slot]["type"] == kind
    inputs = [slot["link"] for one in graph["nodes"] for slot in one["inputs"] if slot["link"] is not None]
    assert sorted(inputs) == sorted(link[0] for link in graph["links"])


@pytest.mark.parametrize("name", CASES)
def test_a_saved_graph_becomes_what_its_prompt_becomes(name):
    graph = saved(CASES[name][0])
    before = copy.deepcopy(graph)
    made = convert(graph, recorded())
    assert graph == before and not made.kept
    check_whole(made.data)
    wanted = convert(to_prompt(graph, TYPES), recorded())
    assert meaning(to_prompt(made.data, TYPES, whole=True)) == meaning(wanted.data)


@pytest.mark.parametrize("name", NAMES)
def test_the_hosts_own_graphs(name):
    """All of them were tried once, 493."""
    if name not in host_graphs():
        pytest.skip("this host does not ship it")
    graph = json.loads(host_graphs()[name].read_text(encoding="utf-8"))
    made = convert(graph, recorded())
    wanted = convert(to_prompt(graph, TYPES), recorded())
    assert made.turned and not made.kept
    if len(made.turned) == len(wanted.turned):  # otherwise some are bypassed, and stand in the saved graph alone
        assert meaning(to_prompt(made.data, TYPES)) == meaning(wanted.data)
    again = convert(made.data, recorded())
    assert not again.turned and again.data == made.data


def test_bypassed_nodes_stay_bypassed():
    graph = saved(CASES["both conditionings"][0])
    (apply,) = (one for one in graph["nodes"] if one["type"] == "ControlNetApplyAdvanced")
    apply["mode"] = 4
    made = convert(graph, recorded()).data
    assert next(one for one in made["nodes"] if one["id"] == apply["id"])["mode"] == 4
    assert meaning(to_prompt(made, TYPES)) == meaning(to_prompt(graph, TYPES))


def test_a_bypassed_lora_becomes_a_row_that_is_off():
    graph = saved(CASES["loras"][0])
    one = next(node for node in graph["nodes"] if node["type"] == "LoraLoader")
    one["mode"] = 4
    prompt = to_prompt(convert(graph, recorded()).data, TYPES)
    rows = [node["inputs"]["enabled"] for node in prompt.values() if node["class_type"] == "ArmatureLoRAStack"]
    assert sorted(rows) == [False, True]


def test_values_of_another_version_are_not_guessed_at():
    graph = saved(CASES["canny"][0])
    canny = next(node for node in graph["nodes"] if node["type"] == "CannyEdgePreprocessor")
    canny["widgets_values"] = ["enable", 100, 200]
    made = convert(graph, recorded())
    (kept,) = made.kept
    assert "'enable'" in kept.why and made.data == graph


def test_a_title_that_a_person_gave_stays():
    graph = saved(CASES["both conditionings"][0])
    apply = next(one for one in graph["nodes"] if one["type"] == "ControlNetApplyAdvanced")
    apply["title"] = "My edges"
    made = convert(graph, recorded()).data
    assert next(one for one in made["nodes"] if one["id"] == apply["id"])["title"] == "My edges"


def test_promoted_values_follow_their_widget():
    """In older files an instance names the inner widget that its value is for."""
    inner = saved(CASES["canny"][0])
    canny = next(node for node in inner["nodes"] if node["type"] == "CannyEdgePreprocessor")
    inner |= {
        "id": "sub",
        "name": "Edges",
        "inputs": [],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "linkIds": [9]}],
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
    }
    inner["links"] = [
        dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"), link, strict=True))
        for link in (*inner["links"], [9, canny["id"], 0, -20, 0, "IMAGE"])
    ]
    instance = {
        "id": 50,
        "type": "sub",
        "pos": [0, 0],
        "mode": 0,
        "inputs": [],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        "properties": {"proxyWidgets": [[str(canny["id"]), "low_threshold"]]},
        "widgets_values": [77],
    }
    save = {
        "id": 51,
        "type": "SaveImage",
        "pos": [0, 0],
        "mode": 0,
        "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
        "outputs": [],
        "widgets_values": ["x"],
    }
    graph = {
        "nodes": [instance, save],
        "links": [[1, 50, 0, 51, 0, "IMAGE"]],
        "definitions": {"subgraphs": [inner]},
        "last_node_id": 51,
        "last_link_id": 1,
        "version": 0.4,
    }
    prompt = to_prompt(convert(graph, recorded()).data, TYPES)
    (made,) = (one for one in prompt.values() if one["class_type"] == "ArmatureCanny")
    assert made["inputs"]["low_threshold"] == 77
    assert next(one for one in prompt.values() if one["class_type"] == "SaveImage")["inputs"]["images"][1] == 0


def _with(place: str, value: Any) -> dict[str, Any]:
    """A graph in which something stands that no editor wrote; place: "nodes.0.inputs" and so on."""
    graph: Any = saved(CASES["loras"][0])
    graph["definitions"] = {"subgraphs": [{"id": "sub", "name": "Edges", "nodes": [], "links": []}]}
    *way, last = (int(part) if part.isdecimal() else part for part in place.split("."))
    at = graph
    for part in way:
        at = at[part]
    at[last] = value
    return graph


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("nodes", None, "The nodes of this graph are null"),
        ("nodes.2", None, "Entry 2 of the nodes of this graph is null"),
        ("nodes.2", {"id": 3}, "Entry 2 of the nodes of this graph has no type"),
        ("nodes.2.id", 1, "Two nodes of this graph have the id 1 (CheckpointLoaderSimple and CLIPTextEncode)"),
        ("nodes.2.inputs", [None], "Entry 0 of the inputs of node 3 (CLIPTextEncode) is null"),
        ("nodes.2.mode", "off", "The mode of node 3 (CLIPTextEncode) is a text"),
        ("nodes.2.properties", "x", "The properties of node 3 (CLIPTextEncode) are a text"),
        ("links.1", [7, 1], "Entry 1 of the links of this graph is a list"),
        ("links.1", {"id": 7}, "Entry 1 of the links of this graph has no origin_id"),
        ("last_node_id", "x", "The last_node_id of this graph is a text"),
        ("extra", {"reroutes": [None]}, "Entry 0 of the reroutes of this graph is null"),
        ("definitions.subgraphs.0.nodes", None, "The nodes of the subgraph 'Edges' are null"),
        ("definitions.subgraphs.0", None, "Entry 0 of the subgraphs of this graph is null"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(place, value, named):
    for read in (lambda graph: convert(graph, recorded()), lambda graph: to_prompt(graph, TYPES)):
        with pytest.raises(PromptError) as error:
            read(_with(place, value))
        assert str(error.value).startswith(named)


@pytest.mark.parametrize("nothing", [None, {}, {"subgraphs": None}])
def test_a_file_without_subgraphs_is_converted(nothing):
    assert convert(_with("definitions", nothing), recorded()).turned


@pytest.mark.parametrize("values", [None, [], "text", ["a.safetensors", float("nan"), 1.0]])
def test_a_loader_whose_values_the_file_does_not_tell_stays(values):
    graph = _with("nodes.7.widgets_values", values)
    assert graph["nodes"][7]["type"] == "LoraLoader"
    kept = [one for one in convert(graph, recorded()).kept if one.node == "LoraLoader (node 8)"]
    assert kept and ("widgets_values" in kept[0].why or "strength_model is nan" in kept[0].why)
