"""Files that other packs' nodes name: in rows, in nested values, in pipes; with switches; and what is not understood."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.file_inputs import file_input
from armature_pack.models.compatibility.flows import KNOWN
from armature_pack.models.compatibility.packs import pack_nodes, packs
from armature_pack.models.compatibility.repair import repair
from armature_pack.models.compatibility.standard_types import standard_type, understood
from armature_pack.models.files.container import SUFFIXES_READ
from armature_pack.tests.models.compatibility.graphs import Prompt, check, node, rules_of, text_to_image

XL, LORA, NET = "sdxl.safetensors", "sdxl_style.safetensors", "sdxl_canny.safetensors"


def put_in(class_type: str, out: int = 0, **inputs: Any) -> Prompt:
    """A LoRA's node between the SD 1.5 checkpoint and the sampler; `model` and `clip` are linked."""
    prompt = text_to_image()
    prompt["20"] = node(class_type, model=["1", 0], clip=["1", 1], **inputs)
    prompt["5"]["inputs"]["model"] = ["20", out]
    return prompt


def stacked(stack: Prompt, apply: str = "CR Apply LoRA Stack") -> Prompt:
    """A stack of LoRAs, node 21, put into the model."""
    prompt = put_in(apply, lora_stack=["21", 0])
    return prompt | {"21": stack}


def controlled(apply: Prompt, **nodes: Prompt) -> Prompt:
    """Node 13 before the sampler; 11 is a picture."""
    prompt = text_to_image() | {"11": node("LoadImage", image="a.png"), "13": apply}
    prompt["5"]["inputs"] |= {"positive": ["13", 0], "negative": ["13", 1]}
    return prompt | {key[1:]: one for key, one in nodes.items()}


def row(name: Any, **more: Any) -> dict[str, Any]:
    return {"on": True, "lora": name, "strength": 1, **more}


CR_NETS = node(
    "CR Multi-ControlNet Stack",
    switch_1="On",
    controlnet_1=NET,
    controlnet_strength_1=1,
    image_1=["11", 0],
    switch_2="Off",
)
CR_APPLY = node(
    "CR Apply Multi-ControlNet", base_positive=["2", 0], base_negative=["3", 0], switch="On", controlnet_stack=["14", 0]
)
EASY = node(
    "easy fullLoader", ckpt_name="sd15.safetensors", vae_name="Baked VAE", lora_name="None", positive="a", negative="b"
)
PIPED = {
    "1": EASY,
    "2": node("easy preSampling", pipe=["4", 0], steps=20, cfg=7, seed=1),
    "3": node("easy kSampler", pipe=["2", 0], image_output="Preview"),
    "4": node("easy controlnetLoader", pipe=["1", 0], image=["5", 0], control_net_name=NET, strength=1),
    "5": node("LoadImage", image="a.png"),
}
WAN = {
    "1": node("WanVideoModelLoader", model="wan.safetensors", base_precision="bf16", lora=["2", 0]),
    "2": node("WanVideoLoraSelect", lora=LORA, strength=1),
    "3": node("WanVideoSampler", model=["1", 0], image_embeds=["4", 0], text_embeds=["5", 0], steps=20, cfg=6, seed=1),
    "4": node("WanVideoEmptyEmbeds", width=832, height=480, num_frames=81),
    "5": node("WanVideoTextEncode", positive_prompt="a", negative_prompt="b", t5=["6", 0]),
    "6": node("LoadWanVideoT5TextEncoder", model_name="clip_l.safetensors", precision="bf16"),
    "7": node("WanVideoDecode", vae=["8", 0], samples=["3", 0]),
    "8": node("WanVideoVAELoader", model_name="sd.safetensors", precision="bf16"),
}
BASIC_PIPE = controlled(
    node("ControlNetApply", conditioning=["15", 3], control_net=["16", 0], image=["11", 0], strength=1),
    n14=node("ToBasicPipe", model=["1", 0], clip=["1", 1], vae=["1", 2], positive=["2", 0], negative=["3", 0]),
    n15=node("FromBasicPipe", basic_pipe=["14", 0]),
    n16=node("ControlNetLoader", control_net_name=NET),
)
BASIC_PIPE["5"]["inputs"] |= {"model": ["15", 0], "negative": ["15", 4]}

WRONG = {
    "rows of {on, lora}": ("lora_family", put_in("Power Lora Loader (rgthree)", lora_1=row(LORA))),
    "{content}": ("lora_family", put_in("LoraLoader|pysssss", lora_name={"content": LORA, "image": None})),
    "lora_01": ("lora_family", put_in("Lora Loader Stack (rgthree)", lora_01=LORA, strength_01=1)),
    "a list and tags": ("lora_family", put_in("Lora Loader (LoraManager)", text="<lora:sdxl_style:1>", loras=[])),
    "lora_1_name": ("lora_family", stacked(node("easy loraStack", toggle=True, num_loras=1, lora_1_name=LORA))),
    "lora_name_1": ("lora_family", stacked(node("LoRA Stacker", lora_count=1, lora_name_1=LORA))),
    "a node that nobody knows": ("lora_family", put_in("Loras of Nowhere", some_lora_1=LORA)),
    "a word in the node's name": ("lora_family", put_in("LoRA of Nowhere", file=LORA)),
    "found in one folder": ("lora_family", put_in("Thing of Nowhere", what=LORA)),
    "rows of nets": ("control_net_family", controlled(CR_APPLY, n14=CR_NETS)),
    "cnet": ("control_net_family", controlled(
        node("ACN_AdvancedControlNetApply_v2", positive=["2", 0], negative=["3", 0], control_net=["14", 0], image=["11", 0]),
        n14=node("ACN_ControlNetLoaderAdvanced", cnet=NET))),
    "a net inside a node": ("control_net_family", controlled(
        node("Control of Nowhere", positive=["2", 0], negative=["3", 0], cnet=NET, image=["11", 0]))),
    "a pipe": ("control_net_family", PIPED),
    "a pipe and back": ("control_net_family", BASIC_PIPE),
    "a loader's own LoRA": ("lora_family", PIPED | {"1": node("easy fullLoader", **{**EASY["inputs"], "lora_name": LORA})}),
    "a LoRA and a model that a loader is given": ("lora_family", {
        "1": node("UNETLoader", unet_name="flux.safetensors"),
        "2": node("easy fluxLoader", ckpt_name="None", vae_name="flux.safetensors", lora_name=LORA, model_override=["1", 0],
                  lora_model_strength=1, positive="a"),
        "3": node("easy preSampling", pipe=["2", 0], steps=20, cfg=1, seed=1),
        "4": node("easy kSampler", pipe=["3", 0], image_output="Preview")}),
    "LLLite": ("lllite_family", put_in("LLLiteLoader", model_name="sdxl_lllite.safetensors", cond_image=["11", 0], strength=1) | {
        "11": node("LoadImage", image="a.png")}),
    "a wrapper's LoRA": ("lora_family", WAN),
    "a wrapper's VAE": ("decoding_vae", WAN),
    "a wrapper's text encoder": ("text_encoder_family", WAN),
    "Nunchaku": ("lora_family", {
        "1": node("NunchakuFluxDiTLoader", model_path="flux.safetensors"),
        "2": node("NunchakuFluxLoraLoader", model=["1", 0], lora_name=LORA, lora_strength=1),
        "3": node("KSampler", model=["2", 0], positive=["4", 0], negative=["4", 0], steps=4, cfg=1),
        "4": node("CLIPTextEncode", text="x", clip=["5", 0]),
        "5": node("DualCLIPLoader", clip_name1="clip_l.safetensors", clip_name2="t5.safetensors", type="flux")}),
}  # fmt: skip

NUNCHAKU = {
    "1": node("NunchakuFluxDiTLoader", model_path="flux.safetensors"),
    "2": node("ModelSamplingFlux", model=["1", 0], max_shift=1.15, base_shift=0.5, width=1024, height=1024),
}
QUIET = {
    "a row that is off": put_in("Power Lora Loader (rgthree)", lora_1=row(LORA, on=False)),
    "a row whose switch is Off": stacked(node("CR LoRA Stack", switch_1="Off", lora_name_1=LORA)),
    "a stack that is off": stacked(node("easy loraStack", toggle=False, num_loras=1, lora_1_name=LORA)),
    "a row of strength 0": put_in("Power Lora Loader (rgthree)", lora_1={**row(LORA), "strength": 0, "strengthTwo": None}),
    "a numbered row of strength 0": stacked(node("LoRA Stacker", lora_count=1, lora_name_1=LORA, lora_wt_1=0)),
    "rows behind the count": stacked(node("easy loraStack", toggle=True, num_loras=1, lora_2_name=LORA)),
    "a list's row that is off": put_in("Lora Loader (LoraManager)", loras=[{"name": "sdxl_style", "active": False}]),
    "a switched off apply": controlled({**CR_APPLY, "inputs": {**CR_APPLY["inputs"], "switch": "Off"}}, n14=CR_NETS),
    "the schedule of packed weights": NUNCHAKU | {
        "3": node("KSampler", model=["2", 0], positive=["4", 0], negative=["4", 0], steps=4, cfg=1),
        "4": node("CLIPTextEncode", text="x", clip=["5", 0]),
        "5": node("DualCLIPLoader", clip_name1="clip_l.safetensors", clip_name2="t5.safetensors", type="flux")},
    "LLLite's own zeroes": put_in(
        "LLLiteLoader", model_name="sdxl_lllite.safetensors", cond_image=["11", 0], start_percent=0, end_percent=0) | {
        "1": node("CheckpointLoaderSimple", ckpt_name=XL), "4": node("EmptyLatentImage", width=1024, height=1024),
        "11": node("LoadImage", image="a.png")},
    "a LoRA for the text alone": put_in("LoraLoader", lora_name=LORA, strength_model=0, strength_clip=1),
    "latents put at a place": text_to_image() | {
        "6": node("VAEDecode", samples=["8", 0], vae=["1", 2]),
        "8": node("LatentComposite", samples_to=["5", 0], samples_from=["9", 0], x=0, y=0, feather=0),
        "9": node("EmptyLatentImage", width=256, height=256, batch_size=1)},
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_found(models, name):
    rule, prompt = WRONG[name]
    report = check(prompt, models)
    assert rule in rules_of(report, "error"), report.as_text()
    assert report.verdict == "does_not_fit"


@pytest.mark.parametrize("name", QUIET)
def test_what_is_off_or_right_raises_no_alarm(models, name):
    report = check(QUIET[name], models)
    assert not rules_of(report, "error", "warning"), report.as_text()


def test_a_name_inside_a_value_is_repaired_there(models):
    prompt = put_in("Power Lora Loader (rgthree)", lora_1=row(LORA, strengthTwo=0.5))
    repaired = repair(prompt, check(prompt, models).findings).prompt
    assert repaired["20"]["inputs"]["lora_1"] == row("sd15_style.safetensors", strengthTwo=0.5)
    assert check(repaired, models).verdict == "fits"


def test_a_loader_that_nothing_reads_is_a_hint_at_most(models):
    prompt = text_to_image() | {"9": node("LoraLoader", model=["1", 0], clip=["1", 1], lora_name="nowhere.safetensors")}
    report = check(prompt, models)
    assert {found.severity for found in report.findings} == {"hint"} and report.verdict == "fits"
    prompt["5"]["inputs"]["model"] = ["9", 0]
    assert rules_of(check(prompt, models), "error") == {"missing_file"}


def test_what_is_not_understood_is_named(models):
    prompt = put_in("Magic of Nowhere", model_file="somewhere/else.safetensors", note="a text\nelse.safetensors")
    report = check(prompt, models)
    told = report.as_json()
    assert report.ok and told["verdict"] == "not_understood_in_part"
    assert told["not_understood"] == {
        "node_types": ["Magic of Nowhere"], "files": ["somewhere/else.safetensors"], "samplers": []
    }  # fmt: skip
    assert report.as_text().startswith("What was understood of this graph fits") and "--object-info" in report.as_text()
    assert check(text_to_image(), models).verdict == "fits"


def test_what_a_packs_loader_reads_beside_the_hosts_kinds_is_no_error(models):
    prompt = text_to_image() | {
        "20": node("LoadAndApplyICLightUnet", model=["1", 0], model_path="sdxl_union.safetensors"),
        "21": node("WanVideoModelLoader", model="packed.gguf", base_precision="bf16"),
        "22": node("WanVideoSampler", model=["21", 0], steps=9, cfg=6),
        "23": node("WanVideoDecode", samples=["22", 0], vae=["24", 0]),
        "24": node("WanVideoVAELoader", model_name="sd.safetensors"),
    }
    prompt["5"]["inputs"]["model"] = ["20", 0]
    report = check(prompt, models)
    assert not rules_of(report, "error") & {"wrong_kind", "gguf_loader"}, report.as_text()
    assert report.verdict != "fits"


def test_an_unknown_node_that_only_passes_pictures_is_no_doubt(models):
    prompt = text_to_image() | {"9": node("Frame of Nowhere", image=["6", 0])}
    prompt["7"]["inputs"]["images"] = ["9", 0]
    assert check(prompt, models).verdict == "fits"


DOUBTS = {
    "a merge": text_to_image() | {
        "8": node("CheckpointLoaderSimple", ckpt_name="lies_wrong.safetensors"),
        "9": node("ModelMergeSimple", model1=["1", 0], model2=["8", 0], ratio=0.5)},
    "an unknown node": put_in("Magic of Nowhere"),
    "an unknown sampler": {
        "1": text_to_image()["1"], "2": node("Sampler of Nowhere", pipe=["3", 0]), "3": node("Pipe of Nowhere")},
    "a file that was not looked at": put_in("LoraLoader", lora_name="sd15_style.safetensors") | {
        "9": node("SaveImage", images=["6", 0], extra="nowhere.safetensors")},
    "a model without a sampler": {
        "1": text_to_image()["1"], "2": node("CheckpointSave", model=["1", 0], clip=["1", 1], vae=["1", 2])},
}  # fmt: skip
DOUBTS["a merge"]["5"]["inputs"]["model"] = ["9", 0]


@pytest.mark.parametrize("name", DOUBTS)
def test_validated_only_lets_through_only_what_is_validated(models, name):
    report = check_prompt(copy.deepcopy(DOUBTS[name]), models, policy="validated_only")
    assert "not_validated" in rules_of(report, "error"), report.as_text()


def test_every_sampler_of_a_combination_is_named(models):
    prompt = text_to_image() | {
        "8": copy.deepcopy(text_to_image()["5"]),
        "9": node("VAEDecode", samples=["8", 0], vae=["1", 2]),
    }
    prompt["8"]["_meta"]["title"] = "Second"
    report = check_prompt(prompt, models, policy="validated_only")
    (standing,) = report.as_json()["validated"]
    assert standing["samplers"] == ["5", "8"]
    (finding,) = [found for found in report.findings if found.rule == "not_validated"]
    assert "'Sampler'" in finding.text and "'Second'" in finding.text
    wrong = check(
        prompt
        | {
            "2": node("CLIPTextEncode", text="", clip=["7", 0]),
            "7": node("CLIPLoader", clip_name="t5.safetensors", type="stable_diffusion"),
        },
        models,
    )
    (meeting,) = [found for found in wrong.findings if found.rule == "text_encoder_family"]
    assert "'Sampler'" in meeting.text and "'Second'" in meeting.text


# What was recorded of other packs.


def test_fifty_packs_are_recorded():
    assert len(packs()) >= 50 and len(pack_nodes()) > 1500


def test_recorded_facts_are_names_and_types():
    for class_type, entry in pack_nodes().items():
        names = [*entry.types.inputs, *entry.types.inputs.values(), *entry.types.outputs, *entry.files.values()]
        assert all(isinstance(one, str) and len(one) < 100 and "\n" not in one for one in names), class_type
        assert set(entry.files) <= set(entry.types.inputs), class_type
        assert not any(one.endswith(SUFFIXES_READ) for one in names), class_type
        assert all(file_input(class_type, name) is not None for name in entry.files), class_type


def test_a_type_that_a_server_knows_comes_before(models):
    from armature_pack.models.compatibility.node_types import NodeTypes

    types = understood(
        lambda name: NodeTypes({"a": "IMAGE"}, ("IMAGE",), {}) if name == "CR Apply LoRA Stack" else None
    )
    known, recorded = types("CR Apply LoRA Stack"), types("CR LoRA Stack")
    assert known is not None and known.outputs == ("IMAGE",)
    assert recorded is not None and recorded.outputs[0] == "LORA_STACK"
    assert types("Node of Nowhere") is None


def test_standard_types():
    told = {
        "WANVIDEOMODEL": "MODEL",
        "HYVIDEOMODEL": "MODEL",
        "WANVAE": "VAE",
        "WANTEXTENCODER": "CLIP",
        "WANVIDLORA": "LORA_STACK",
        "FluxControlNet": "CONTROL_NET",
        "ControlNetCondition": "CONTROL_STACK",
        "IP_ADAPTER_FLUX": "IPADAPTER",
    }
    assert {name: standard_type(name) for name in told} == told
    same = [one for one in KNOWN if one != "IP_ADAPTER"]
    assert [standard_type(one) for one in same] == same
    assert standard_type("SAM_MODEL") == "SAM_MODEL" and re.search("STYLE", standard_type("STYLE_MODEL"))
