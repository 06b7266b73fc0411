"""Saved graphs: values by name and by position, bypassed and muted nodes, reroutes, subgraphs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.node_types import from_table, layered, recorded
from armature_pack.models.compatibility.prompt import PromptError, read_prompt
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
    number["outputs"] = [{"name": "INT", "type": "INT", "links": [3], "widget": {"name": "steps"}}]
    note = {"id": 6, "type": "Note", "widgets_values": ["text"]}
    sampler = SAMPLER | {
        "inputs": [*SAMPLER["inputs"], {"name": "steps", "type": "INT", "link": 3, "widget": {"name": "steps"}}]
    }
    prompt = convert(
        saved([LOADER, reroute, number, note, sampler],
              [[1, 1, 0, 4, 0, "MODEL"], [2, 4, 0, 3, 0, "MODEL"], [3, 5, 0, 3, 1, "INT"]])
    )  # fmt: skip
    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"]["model"] == ["1", 0] and prompt["3"]["inputs"]["steps"] == 33
    assert prompt["3"]["inputs"]["cfg"] == 8  # the values behind a linked one stay in their places


INNER_LORA = {
    **LORA,
    "mode": 0,
    "inputs": [
        {"name": "model", "type": "MODEL", "link": 7},
        {"name": "lora_name", "type": "COMBO", "link": 9, "widget": {"name": "lora_name"}},
    ],
}
SUBGRAPH = {
    "id": "abc",
    "name": "LoRA",
    "inputs": [
        {"id": "i1", "name": "model", "type": "MODEL", "linkIds": [7]},
        {"id": "i2", "name": "style", "type": "COMBO", "linkIds": [9]},
    ],
    "outputs": [{"id": "o1", "name": "MODEL", "type": "MODEL", "linkIds": [8]}],
    "nodes": [INNER_LORA],
    "links": [
        {"id": 7, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "MODEL"},
        {"id": 9, "origin_id": -10, "origin_slot": 1, "target_id": 2, "target_slot": 1, "type": "COMBO"},
        {"id": 8, "origin_id": 2, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "MODEL"},
    ],
}
INSTANCE = {"id": 9, "type": "abc", "inputs": [{"name": "model", "type": "MODEL", "link": 1}]}
AROUND = [[1, 1, 0, 9, 0, "MODEL"], [2, 9, 0, 3, 0, "MODEL"]]


def with_subgraph(**instance: Any) -> dict[str, Any]:
    graph = saved([LOADER, INSTANCE | instance, SAMPLER], AROUND, definitions={"subgraphs": [SUBGRAPH]})
    return convert(graph)


def test_a_subgraph_is_written_out():
    prompt = with_subgraph()
    assert set(prompt) == {"1", "9:2", "3"}
    assert prompt["9:2"]["inputs"] == {"model": ["1", 0], "lora_name": "b.safetensors", "strength_model": 0.5}
    assert prompt["3"]["inputs"]["model"] == ["9:2", 0]


def test_a_value_on_an_instance_takes_the_place_of_the_one_inside():
    assert with_subgraph(widgets_values=["c.safetensors"])["9:2"]["inputs"]["lora_name"] == "c.safetensors"
    old = with_subgraph(widgets_values=[0.7, "d.safetensors"],
                        properties={"proxyWidgets": [["2", "strength_model"], ["2", "lora_name"]]})  # fmt: skip
    assert old["9:2"]["inputs"]["strength_model"] == 0.7 and old["9:2"]["inputs"]["lora_name"] == "d.safetensors"


def test_a_value_that_nothing_tells_is_left_out():
    """A choice among files has no default here: which file comes first is for the server to say."""
    inner = {key: value for key, value in INNER_LORA.items() if key != "widgets_values"}
    unknown = {**INNER_LORA, "type": "OfAPack"}
    for node, values in ((inner, {"strength_model": 1.0}), (unknown, {})):
        definition = {**SUBGRAPH, "nodes": [node]}
        graph = saved([LOADER, INSTANCE, SAMPLER], AROUND, definitions={"subgraphs": [definition]})
        assert convert(graph)["9:2"]["inputs"] == {**values, "model": ["1", 0]}


def test_a_bypassed_instance_passes_its_model_on_and_a_muted_one_cuts():
    bypassed, muted = with_subgraph(mode=4), with_subgraph(mode=2)
    assert set(bypassed) == set(muted) == {"1", "3"}
    assert bypassed["3"]["inputs"]["model"] == ["1", 0] and "model" not in muted["3"]["inputs"]


def test_a_subgraph_in_itself_is_refused():
    inner = {"id": "abc", "nodes": [{"id": 1, "type": "abc", "mode": 0}], "links": [], "inputs": [], "outputs": []}
    with pytest.raises(PromptError, match="nested"):
        convert(saved([{"id": 9, "type": "abc"}], [], definitions={"subgraphs": [inner]}))


ODD = {"id": 2, "type": "OfAPack", "inputs": [{"name": "m", "type": "MODEL", "link": 1}], "widgets_values": [1]}


def test_unknown_nodes_keep_their_links_and_are_marked_or_are_refused():
    graph = saved([LOADER, ODD], [[1, 1, 0, 2, 0, "MODEL"]])
    prompt = convert(graph)
    assert prompt["2"]["inputs"] == {"m": ["1", 0]}
    nodes = read_prompt(prompt)
    assert nodes["2"].unread == (1,) and nodes["1"].unread == ()
    with pytest.raises(PromptError, match="OfAPack"):
        to_prompt(graph, recorded(), whole=True)


@pytest.mark.parametrize(
    ("names", "values", "found"),
    [
        (["a", "b"], [1, "x"], {"a": 1, "b": "x"}),
        (["seed", "b"], [5, "randomize", "x"], {"seed": 5, "b": "x"}),
        (["b"], ["x", "y.safetensors"], {}),  # part of the names is missing: whose is which?
        (["a", "b"], [1], {}),
    ],
)
def test_values_of_unknown_nodes_are_read_where_the_file_names_every_one(names, values, found):
    inputs = [{"name": name, "type": "STRING", "link": None, "widget": {"name": name}} for name in names]
    prompt = convert(saved([{"id": 2, "type": "OfAPack", "inputs": inputs, "widgets_values": values}], []))
    assert prompt["2"]["inputs"] == found
    assert read_prompt(prompt)["2"].unread == (() if found else tuple(values))


def test_values_that_a_pack_names_itself():
    odd = {"id": 2, "type": "OfAPack", "widgets_values": {"video": "a.mp4", "rate": 8}}
    assert convert(saved([odd], []))["2"]["inputs"] == {"video": "a.mp4", "rate": 8}


def test_a_link_to_nothing_is_kept_for_the_check_and_refused_for_a_repair():
    graph = saved([LORA], [])
    assert convert(graph)["2"]["inputs"]["model"] == ["(link 1)", 0]
    with pytest.raises(PromptError, match=r"Node 2 .*model"):
        to_prompt(graph, recorded(), whole=True)


def test_what_the_editor_does_to_texts():
    text = {
        "id": 1,
        "type": "CLIPTextEncode",
        "widgets_values": ["a {red|blue} cup // note\n{a|{b|c}} \\{x\\} /* no */"],
    }
    image = {"id": 2, "type": "SaveImage", "widgets_values": ["%CLIPTextEncode.text%_%width%_%Box.width%"]}
    box = {"id": 3, "type": "EmptyLatentImage", "title": "Box", "widgets_values": [640, 512, 1]}
    prompt = convert(saved([text, image, box], []))
    assert prompt["1"]["inputs"]["text"] == "a red cup \na {x} "
    assert prompt["2"]["inputs"]["filename_prefix"].endswith("_%width%_640")


def test_getters_and_setters_of_other_packs_are_followed():
    setter = {"id": 4, "type": "SetNode", "inputs": [{"name": "MODEL", "type": "MODEL", "link": 5}]}
    setter |= {"widgets_values": ["m"]}
    getter = {"id": 6, "type": "GetNode", "inputs": [], "widgets_values": ["m"]}
    links = [[5, 1, 0, 4, 0, "MODEL"], [2, 6, 0, 3, 0, "MODEL"]]
    prompt = convert(saved([LOADER, setter, getter, SAMPLER], links))
    assert set(prompt) == {"1", "3"} and prompt["3"]["inputs"]["model"] == ["1", 0]


GROUP = {
    "nodes": [
        {"index": 0, "type": "CheckpointLoaderSimple", "inputs": [], "widgets_values": ["a.safetensors"],
         "outputs": [{"name": n, "type": n} for n in ("MODEL", "CLIP", "VAE")]},
        {"index": 1, "type": "LoraLoaderModelOnly", "inputs": [{"name": "model", "type": "MODEL"}],
         "outputs": [{"name": "MODEL", "type": "MODEL"}], "widgets_values": ["b.safetensors", 1]},
    ],
    "links": [[0, 0, 1, 0, 1, "MODEL"]],
    "external": [],
}  # fmt: skip


def test_a_group_node_is_written_out_with_the_values_that_were_set_on_it():
    group = {"id": 4, "type": "workflow/G", "inputs": [], "widgets_values": ["x.safetensors", "y.safetensors", 0.3]}
    decode = {"id": 5, "type": "VAEDecode", "inputs": [{"name": "vae", "type": "VAE", "link": 3}]}
    links = [[2, 4, 2, 3, 0, "MODEL"], [3, 4, 1, 5, 1, "VAE"]]  # outputs: CLIP, VAE, and the LoRA's MODEL
    graph = saved([group, SAMPLER, decode], links, extra={"groupNodes": {"G": GROUP}})
    prompt = convert(graph)
    assert prompt["4:0"]["inputs"] == {"ckpt_name": "x.safetensors"}
    assert prompt["4:1"]["inputs"] == {"lora_name": "y.safetensors", "strength_model": 0.3, "model": ["4:0", 0]}
    assert prompt["3"]["inputs"]["model"] == ["4:1", 0] and prompt["5"]["inputs"]["vae"] == ["4:0", 2]


@pytest.mark.parametrize(
    "graph", [{"nodes": [{}], "links": []}, {"nodes": [3], "links": []}, {"nodes": [], "links": [[1]]}]
)
def test_a_broken_graph_is_refused_with_advice(graph):
    with pytest.raises(PromptError, match="again in ComfyUI"):
        convert(graph)


def test_values_of_a_group_node_whose_inner_widgets_have_inputs_come_last():
    inner = [{**one} for one in GROUP["nodes"]]
    named = {"name": "ckpt_name", "type": "COMBO", "widget": {"name": "ckpt_name"}}
    inner[0]["inputs"] = [named]
    group = {"id": 4, "type": "workflow>G", "inputs": [], "widgets_values": ["y.safetensors", 0.3, "x.safetensors"]}
    data = {"G": {**GROUP, "nodes": inner, "external": [[{"type": "of another shape"}, 0, "MODEL"]]}}
    prompt = convert(saved([group], [], extra={"groupNodes": data}))
    assert prompt["4:0"]["inputs"] == {"ckpt_name": "x.safetensors"}
    assert prompt["4:1"]["inputs"] == {"lora_name": "y.safetensors", "strength_model": 0.3, "model": ["4:0", 0]}


def test_a_group_node_with_a_node_of_an_unknown_type_is_marked():
    group = {"id": 4, "type": "workflow/G", "inputs": [], "widgets_values": ["x.safetensors"]}
    data = {"G": {**GROUP, "nodes": [{**GROUP["nodes"][0], "type": "OfAPack"}, GROUP["nodes"][1]]}}
    assert read_prompt(convert(saved([group], [], extra={"groupNodes": data})))["4"].unread == ("x.safetensors",)


def test_types_of_inputs_that_come_and_go():
    types = recorded()("ArmatureControlMap")
    assert types is not None and types.input_type("method") == "COMFY_DYNAMICCOMBO_V3"
    assert types.input_type("method.low_threshold") == "INT" and types.input_type("method.nothing") is None


ROWS = [{}, {"type": "Header"}, {"on": True, "lora": "x.safetensors", "strength": 1}, ""]


def test_rows_that_a_packs_script_adds_to_a_known_node_are_marked():
    types = from_table({"Stacker": {"input": {"required": {"model": ["MODEL"]}}, "output": ["MODEL"]}})
    graph = saved([LOADER, {"id": 2, "type": "Stacker", "widgets_values": ROWS}], [])
    assert read_prompt(to_prompt(graph, layered(types, recorded())))["2"].unread == (ROWS[2],)
    with pytest.raises(PromptError, match=r"Node 2 \(Stacker\)"):
        to_prompt(graph, layered(types, recorded()), whole=True)


@pytest.mark.parametrize(("row", "verdict"), [(ROWS[2], "does_not_fit"), ({**ROWS[2], "on": False}, "fits")])
def test_rows_of_a_recorded_pack_that_hold_their_own_switch_are_certain(models, row, verdict):
    named = {**row, "lora": "sdxl_style.safetensors"}
    power = {
        "id": 2,
        "type": "Power Lora Loader (rgthree)",
        "inputs": LORA["inputs"],
        "outputs": [{"name": "MODEL", "type": "MODEL"}],
        "widgets_values": [*ROWS[:2], named, ""],
    }
    loader = {**LOADER, "widgets_values": ["sd15.safetensors"]}
    assert check_prompt(convert(saved([loader, power, SAMPLER], LINKS)), models).verdict == verdict
