"""API prompts: what nodes become, what stays and why."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.convert.convert import Converted, convert
from armature_pack.models.convert.entry import NO_CHOICES, Choices
from armature_pack.models.convert.packs import PACKS
from armature_pack.models.convert.report import as_json, as_text

from .cases import (
    ACN,
    BOTH,
    CASES,
    IPA_VALUES,
    KEYFRAME,
    RANGE,
    advanced,
    controlled,
    drawing,
    ip_adapter,
    mapped,
    node,
)

OTHERS = {kind for pack in PACKS for kind in pack.nodes}


def converted(prompt: Any, choices: Choices = NO_CHOICES) -> Converted:
    before = copy.deepcopy(prompt)
    made = convert(prompt, recorded(), choices)
    assert prompt == before, "what came in was changed"
    return made


@pytest.mark.parametrize("name", CASES)
def test_what_a_node_becomes(name):
    prompt, key, kind, inputs = CASES[name]
    made = converted(prompt)
    assert not made.kept and made.turned
    assert made.data[key]["class_type"] == kind
    assert {one: made.data[key]["inputs"].get(one) for one in inputs} == inputs
    assert not {one["class_type"] for one in made.data.values()} & OTHERS


@pytest.mark.parametrize("name", CASES)
def test_what_comes_out_is_a_graph_of_known_nodes_and_links(name):
    """Every input is one that its node has, and every link leads to an output of the type that is wanted."""
    data = converted(CASES[name][0]).data
    for key, one in data.items():
        types = recorded()(one["class_type"])
        assert types is not None
        for given, value in one["inputs"].items():
            wanted = types.input_type(given)
            assert wanted is not None, (key, given)
            if isinstance(value, list):
                source = recorded()(data[value[0]]["class_type"])
                assert source and source.output_type(value[1]) in wanted.split(","), (key, given)


def test_a_second_conversion_finds_nothing_to_do():
    made = converted(CASES["keyframes"][0])
    again = converted(made.data)
    assert not again.turned and not again.kept and again.data == made.data


def test_the_prompts_of_one_conditioning_go_through_the_net_too():
    data = converted(CASES["one conditioning"][0]).data
    assert data["sampler"]["inputs"]["positive"] == ["apply", 0] and data["sampler"]["inputs"]["negative"] == [
        "apply",
        1,
    ]
    assert data["first"]["inputs"]["negative"] == ["no", 0]


def test_a_patch_leaves_the_model_as_it_is():
    data = converted(CASES["patch of the model"][0]).data
    assert data["shift"]["inputs"]["model"] == ["model", 0]
    assert data["sampler"]["inputs"]["positive"] == ["apply", 0] and data["sampler"]["inputs"]["negative"] == [
        "apply",
        1,
    ]


def test_loras_are_applied_once():
    data = converted(CASES["loras"][0]).data
    (apply,) = (key for key, one in data.items() if one["class_type"] == "ArmatureApplyLoRAStack")
    assert data[apply]["inputs"]["clip"] == ["model", 1] and data[apply]["inputs"]["lora_stack"] == ["two", 0]
    assert data["sampler"]["inputs"]["model"] == [apply, 0] and data["yes"]["inputs"]["clip"] == [apply, 1]


def test_weights_per_frame_have_one_number_for_each_picture():
    data = converted(CASES["latent keyframes"][0]).data
    (frames,) = (one for one in data.values() if one["class_type"] == "ArmatureFrameWeights")
    # 1 has no strength written, 2 and 3 have 0.5, and what comes before (-1) takes the place of what comes after.
    assert frames["inputs"]["weights"] == "0, 1, 0.5, 0.5"


@pytest.mark.parametrize(
    ("weights", "inputs"),
    [
        (
            node("ACN_ScaledSoftControlNetWeights", base_multiplier=0.7, uncond_multiplier=0.3),
            {"preset": "favour_prompt", "ratio": 0.7, "unconditional": 0.3},
        ),
        (
            node("ACN_CustomControlNetWeightsFlux", **{f"input_{place}": place / 20 for place in range(19)}),
            {"layers": ", ".join(f"double.{place}: {place / 20:g}" for place in range(19)), "unconditional": 1.0},
        ),
        (
            node("ACN_CustomControlNetWeightsSD15", **{f"output_{place}": 0.5 for place in range(12)}, middle_0=0.25),
            {"layers": ", ".join(f"input.{place}: 0.5" for place in range(12)) + ", middle: 0.25"},
        ),
    ],
)
@pytest.mark.parametrize("slot", [0, 1])
def test_weights_per_layer(weights, inputs, slot):
    """As weights, and as the shortcut of a keyframe."""
    linked = {"weights_override" if slot == 0 else "timestep_kf": ["w", slot]}
    data = converted(controlled(advanced(**linked), **ACN, w=weights)).data
    layers = data[data["apply"]["inputs"]["layer_weights"][0]]
    assert layers["class_type"] == "ArmatureLayerWeights"
    assert {name: layers["inputs"].get(name) for name in inputs} == inputs
    assert "w" not in data and "acn" not in data


def test_a_unified_loader_needs_the_family():
    prompt = ip_adapter("IPAdapter", weight=0.8, weight_type="style transfer", clip_vision=None)
    prompt["adapter"] = node("IPAdapterUnifiedLoader", model=["model", 0], preset="PLUS FACE (portraits)")
    prompt["apply"]["inputs"] |= {"model": ["adapter", 0], "ipadapter": ["adapter", 1]}
    assert [one.pack for one in converted(prompt).kept] == ["ComfyUI_IPAdapter_plus"] * 2
    made = converted(prompt, Choices("sdxl"))
    inputs = made.data["apply"]["inputs"]
    assert not made.kept and inputs["model"] == ["model", 0] and inputs["weight_type"] == "style transfer"
    loader, encoder = (made.data[inputs[name][0]]["inputs"] for name in ("ip_adapter", "clip_vision"))
    assert loader == {"ip_adapter_name": "ip-adapter-plus-face_sdxl_vit-h.safetensors"}
    assert encoder == {"clip_name": "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"}


def test_blocks_by_number_need_the_family_too():
    prompt = ip_adapter("IPAdapterMS", **IPA_VALUES, layer_weights="3: 0.4, 6: 1")
    assert converted(prompt).kept
    data = converted(prompt, Choices("sdxl")).data
    layers = data[data["apply"]["inputs"]["layer_weights"][0]]["inputs"]["layers"]
    assert "input.8: 0.4" in layers and "output.1: 1" in layers and "output.0: 0" in layers


# What stays.


def _muted_lora() -> dict[str, Any]:
    made = drawing(lora=node("LoraLoaderModelOnly", lora_name="a.safetensors", strength_model=1))
    made["sampler"]["inputs"]["model"] = ["lora", 0]
    return made


STAY = {
    "never acts": controlled(
        node("ControlNetApplyAdvanced", **BOTH, control_net=["net", 0], start_percent=0.8, end_percent=0.2)
    ),
    "weights that change": controlled(
        advanced(timestep_kf=["b", 0]),
        **ACN,
        w=node("ACN_ScaledSoftControlNetWeights", base_multiplier=0.7),
        b=node("TimestepKeyframe", **KEYFRAME, start_percent=0.4, cn_weights=["w", 0]),
    ),
    "another net": controlled(advanced(), acn=node("ACN_SparseCtrlLoaderAdvanced", sparsectrl_name="a")),
    "faces": ip_adapter("IPAdapterFaceID", weight=1.0),
    "no such method": mapped("DensePosePreprocessor", resolution=512),
    "no model": _muted_lora(),
    "linked number": controlled(
        advanced(timestep_kf=["b", 0]),
        **ACN,
        n=node("PrimitiveFloat", value=0.5),
        b=node("TimestepKeyframe", **{**KEYFRAME, "strength": ["n", 0]}, start_percent=0.4),
    ),
    "one conditioning, no sampler": drawing(
        apply=node("ControlNetApply", conditioning=["yes", 0], control_net=["net", 0], image=["picture", 0]),
        both=node("ConditioningCombine", conditioning_1=["apply", 0], conditioning_2=["no", 0]),
    ),
}


@pytest.mark.parametrize("name", STAY)
def test_what_cannot_be_turned_stays_and_says_why(name):
    made = converted(STAY[name])
    assert made.kept and not made.turned
    assert {key: (one["class_type"], one["inputs"]) for key, one in made.data.items()} == {
        key: (one["class_type"], one["inputs"]) for key, one in STAY[name].items()
    }
    assert all(one.why for one in made.kept)


def test_a_loader_that_something_else_needs_stays():
    prompt = controlled(advanced(), **ACN, other=node("SetUnionControlNetType", control_net=["acn", 0], type="auto"))
    made = converted(prompt)
    assert made.data["acn"]["class_type"] == "ACN_ControlNetLoaderAdvanced" and len(made.turned) == len(made.kept) == 1


def test_the_report_names_every_node():
    made = converted(STAY["weights that change"] | {"m": node("CannyEdgePreprocessor", image=["picture", 0])})
    text, table = as_text(made), as_json(made)
    assert all(one.node in text for one in (*made.turned, *made.kept))
    assert len(table["turned"]) == 1 and {one["pack"] for one in table["kept"]} == {"ComfyUI-Advanced-ControlNet"}


@pytest.mark.parametrize(
    "data", [None, [], {}, {"1": {"inputs": {}}}, {"nodes": [{"id": 1}]}, {"nodes": [], "links": [None]}]
)
def test_what_is_no_graph_is_refused(data):
    with pytest.raises(PromptError):
        convert(data, recorded())


def test_a_chain_of_loras_is_told_once():
    prompt = CASES["loras"][0]
    made = converted(prompt)
    assert [[key for _, key in one.into] for one in made.turned] == [["one", "1"], ["two"]]


def _two_prompts(**changed: Any) -> dict[str, Any]:
    """Each conditioning of one sampler comes through two nodes of its own; changed: inputs of the nearest to the negative."""
    links = {"control_net": ["net", 0], "image": ["picture", 0]}
    made = drawing(
        yes1=node("ControlNetApply", conditioning=["yes", 0], strength=0.3, **links),
        no1=node("ControlNetApply", conditioning=["no", 0], strength=0.3, **links),
        yes2=node("ControlNetApply", conditioning=["yes1", 0], strength=0.5, **links),
        no2=node("ControlNetApply", **({"conditioning": ["no1", 0], "strength": 0.5} | links | changed)),
    )
    made["sampler"]["inputs"] |= {"positive": ["yes2", 0], "negative": ["no2", 0]}
    return made


def test_two_nodes_that_bring_both_prompts_the_same_control_become_one():
    made = converted(_two_prompts())
    assert not made.kept and len(made.turned) == 4 and not {"no1", "no2"} & set(made.data)
    inputs = [made.data[key]["inputs"] for key in ("yes1", "yes2", "sampler")]
    assert [(one["positive"], one["negative"]) for one in inputs] == [
        (["yes", 0], ["no", 0]),
        (["yes1", 0], ["yes1", 1]),
        (["yes2", 0], ["yes2", 1]),
    ]


@pytest.mark.parametrize("changed", [{"strength": 0.4}, {"conditioning": ["no", 0]}])
def test_two_nodes_with_different_controls_stay_and_each_names_the_other(changed):
    made = converted(_two_prompts(**changed))
    why = {one.node: one.why for one in made.kept}
    assert not made.turned and len(why) == 4
    assert "no2" in why["ControlNetApply (node yes2)"] and "yes2" in why["ControlNetApply (node no2)"]


def test_a_control_of_the_positive_prompt_alone_stays():
    """ComfyUI gives the negative prompt such a control only where it has none of its own."""
    prompt = controlled(node("ControlNetApplyAdvanced", **BOTH, **RANGE, control_net=["net", 0]))
    links = {"control_net": ["net", 0], "image": ["picture", 0]}
    prompt["more"] = node("ControlNetApply", conditioning=["apply", 0], strength=0.3, **links)
    prompt["sampler"]["inputs"]["positive"] = ["more", 0]
    (kept,) = converted(prompt).kept
    assert kept.node == "ControlNetApply (node more)" and "(node apply)" in kept.why


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_stays_and_is_named(bad):
    prompt = controlled(node("ControlNetApplyAdvanced", **BOTH, control_net=["net", 0], strength=bad))
    (kept,) = converted(prompt).kept
    assert f"strength is {bad}" in kept.why
