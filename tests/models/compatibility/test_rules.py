"""Each rule: a graph in which it speaks, with its severity, and none in which it should not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from armature_pack.models.compatibility.rules import RULES
from armature_pack.tests.models.compatibility.graphs import (
    check,
    controlled,
    node,
    rules_of,
    shipped,
    text_to_image,
    with_ip_adapter,
    with_lora,
)


def changed(prompt: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """A copy with inputs set, given as n5_cfg=1 for input cfg of node 5."""
    made = copy.deepcopy(prompt)
    for key, value in inputs.items():
        node_id, _, name = key[1:].partition("_")
        made[node_id]["inputs"][name] = value
    return made


def extended(prompt: dict[str, Any], **nodes: dict[str, Any]) -> dict[str, Any]:
    """A copy with nodes added, given as n40=node(...)."""
    return copy.deepcopy(prompt) | {key[1:]: value for key, value in nodes.items()}


XL = "sdxl.safetensors"
FLUX = extended(
    changed(text_to_image(), n5_model=["40", 0], n5_cfg=1.0, n6_vae=["41", 0]),
    n40=node("UNETLoader", unet_name="flux.safetensors", weight_dtype="default"),
    n41=node("VAELoader", vae_name="flux.safetensors"),
    n42=node("DualCLIPLoader", clip_name1="clip_l.safetensors", clip_name2="t5.safetensors", type="flux"),
)
FLUX["2"]["inputs"]["clip"] = FLUX["3"]["inputs"]["clip"] = ["42", 0]
FLUX["4"]["inputs"] |= {"width": 1024, "height": 1024}
del FLUX["1"]
FLUX_CONTROLLED = extended(
    changed(FLUX, n5_positive=["13", 0], n5_negative=["13", 1]),
    n10=node("ControlNetLoader", control_net_name="flux_net.safetensors"),
    n11=node("LoadImage", image="a.png"),
    n13=node(
        "ControlNetApplyAdvanced",
        positive=["2", 0],
        negative=["3", 0],
        control_net=["10", 0],
        image=["11", 0],
        strength=0.8,
        start_percent=0,
        end_percent=1,
    ),
)
BLEND = extended(
    changed(text_to_image(), n6_samples=["50", 0]),
    n50=node("LatentBlend", samples1=["5", 0], samples2=["51", 0], blend_factor=0.5),
    n51=node("VAEEncode", pixels=["52", 0], vae=["53", 0]),
    n52=node("LoadImage", image="a.png"),
    n53=node("VAELoader", vae_name="flux.safetensors"),
)
REFINED = extended(
    changed(text_to_image(XL, 1024), n6_samples=["60", 0]),
    n60=node(
        "KSampler",
        model=["61", 0],
        positive=["62", 0],
        negative=["62", 0],
        latent_image=["5", 0],
        cfg=7,
        steps=20,
        denoise=1,
    ),
    n61=node("CheckpointLoaderSimple", ckpt_name="sdxl_refiner.safetensors"),
    n62=node("CLIPTextEncode", text="x", clip=["61", 1]),
)
MANY = controlled(strength=1.0)
for _number in (14, 15):
    MANY[str(_number)] = copy.deepcopy(MANY["13"])
    MANY[str(_number)]["inputs"] |= {"positive": [str(_number - 1), 0], "negative": [str(_number - 1), 1]}
MANY["5"]["inputs"] |= {"positive": ["15", 0], "negative": ["15", 1]}
UNION = controlled(XL, "sdxl_union.safetensors")
UNION_SET = extended(
    changed(UNION, n13_control_net=["70", 0]),
    n70=node("SetUnionControlNetType", control_net=["10", 0], type="openpose"),
)
STACKED = extended(
    changed(text_to_image(XL, 1024), n5_model=["25", 0], n2_clip=["25", 1]),
    n23=node("ArmatureLoRAStack", lora_name="sd15_style.safetensors", strength_model=0.8, strength_clip=0.8),
    n24=node("ArmatureLoRAStack", lora_name="sdxl_peft.safetensors", lora_stack=["23", 0]),
    n25=node("ArmatureApplyLoRAStack", model=["1", 0], clip=["1", 1], lora_stack=["24", 0]),
)
ENGINE = with_lora(changed(text_to_image(), n5_model=["1", 0]), "sd15_style.safetensors")
ENGINE["20"]["inputs"]["model"] = ["80", 0]
ENGINE["80"] = node("TensorRTLoader", unet_name="engine.safetensors", model_type="sd1.x")
ENGINE_CONTROLLED = changed(controlled(), n5_model=["80", 0]) | {"80": ENGINE["80"]}
GRAY = controlled(net="controlnext.safetensors", loader="ArmatureLoadControlNeXt")
GRAY["12"] = node("MiDaS-DepthMapPreprocessor", image=["11", 0])
OTHER_VAE = extended(changed(text_to_image(), n6_vae=["90", 0]), n90=node("VAELoader", vae_name="flux.safetensors"))
IMAGE_TO_IMAGE = extended(
    changed(text_to_image(), n5_latent_image=["91", 0]),
    n90=node("VAELoader", vae_name="flux.safetensors"),
    n91=node("VAEEncode", pixels=["92", 0], vae=["90", 0]),
    n92=node("LoadImage", image="a.png"),
)
INPAINT = extended(
    changed(text_to_image(), n5_positive=["91", 0], n5_negative=["91", 1]),
    n90=node("VAELoader", vae_name="flux.safetensors"),
    n91=node(
        "InpaintModelConditioning",
        positive=["2", 0],
        negative=["3", 0],
        vae=["90", 0],
        pixels=["92", 0],
        mask=["92", 1],
    ),
    n92=node("LoadImage", image="a.png"),
)
SWITCHED = extended(
    changed(text_to_image(), n5_model=["95", 0]),
    n94=node("CheckpointLoaderSimple", ckpt_name=XL),
    n95=node("AnySwitchOfAPack", first=["1", 0], second=["94", 0]),
)
UNET_ALONE = extended(
    changed(text_to_image(XL, 1024), n5_model=["20", 0]),
    n20=node("LoraLoaderModelOnly", model=["21", 0], lora_name="sdxl_peft.safetensors", strength_model=0.8),
    n21=node("UNETLoader", unet_name="sdxl_unet.safetensors", weight_dtype="default"),
)


def loaded_apart(name: str, weight_dtype: str = "default") -> dict[str, Any]:
    """A diffusion model of its own before the sampler."""
    unet = node("UNETLoader", unet_name=name, weight_dtype=weight_dtype)
    return extended(changed(text_to_image(XL, 1024), n5_model=["21", 0]), n21=unet)


LORA_OF_UNET = with_lora(text_to_image(XL, 1024), "sdxl_style.safetensors")

REDUX = extended(
    changed(FLUX, n5_positive=["45", 0]),
    n43=node("CLIPVisionLoader", clip_name="vit_h.safetensors"),
    n44=node("CLIPVisionEncode", clip_vision=["43", 0], image=["47", 0], crop="none"),
    n45=node(
        "StyleModelApply", conditioning=["2", 0], style_model=["46", 0], clip_vision_output=["44", 0], strength=1.0
    ),
    n46=node("StyleModelLoader", style_model_name="redux.safetensors"),
    n47=node("LoadImage", image="a.png"),
)
UNIFIED = extended(
    changed(text_to_image(XL, 1024), n5_model=["33", 0]),
    n31=node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
    n32=node("IPAdapterUnifiedLoader", model=["31", 0], preset="PLUS (high strength)"),
    n33=node("IPAdapter", model=["1", 0], ipadapter=["32", 1], image=["34", 0], weight=1, weight_type="standard"),
    n34=node("LoadImage", image="a.png"),
)
MERGED = extended(
    changed(text_to_image(), n5_model=["36", 0]),
    n35=node("CheckpointLoaderSimple", ckpt_name=XL),
    n36=node("ModelMergeSimple", model1=["1", 0], model2=["35", 0], ratio=0.5),
)
CONTROL_LORA = extended(
    changed(FLUX, n5_model=["48", 0]),
    n48=node("LoraLoaderModelOnly", model=["40", 0], lora_name="flux_depth_control.safetensors", strength_model=1.0),
)
MAPPED = extended(
    changed(CONTROL_LORA, n5_model=["49", 0], n5_positive=["49", 1], n5_negative=["49", 2]),
    n49=node(
        "ArmatureMapReference", model=["48", 0], positive=["2", 0], negative=["3", 0], image=["50", 0], vae=["41", 0]
    ),
    n50=node("LoadImage", image="a.png"),
)


def patched(base: str, patch: str, apply: str = "QwenImageDiffsynthControlnet", **values: Any) -> dict[str, Any]:
    """A diffusion model with a model patch: loaders 40 and 51, apply 52, picture 53, VAE 41."""
    return extended(
        changed(text_to_image(), n5_model=["52", 0]),
        n40=node("UNETLoader", unet_name=base, weight_dtype="default"),
        n51=node("ModelPatchLoader", name=patch),
        n52=node(apply, model=["40", 0], model_patch=["51", 0], vae=["41", 0], image=["53", 0], strength=1.0, **values),
        n53=node("LoadImage", image="a.png"),
        n41=node("VAELoader", vae_name="flux.safetensors"),
    )


VACE = extended(
    changed(text_to_image(), n5_positive=["61", 0], n5_negative=["61", 1], n5_model=["62", 0]),
    n61=node(
        "WanVaceToVideo", positive=["2", 0], negative=["3", 0], vae=["41", 0], strength=0.0, width=832, height=480
    ),
    n62=node("UNETLoader", unet_name="wan.safetensors", weight_dtype="default"),
    n41=node("VAELoader", vae_name="flux.safetensors"),
)
REFERENCED = extended(
    changed(text_to_image(), n5_positive=["63", 0]),
    n63=node("ReferenceLatent", conditioning=["2", 0], latent=["64", 0]),
    n64=node("VAEEncode", pixels=["65", 0], vae=["1", 2]),
    n65=node("LoadImage", image="a.png"),
)

SPEAKS = [
    ("encoder_missing", "error", changed(FLUX, n42_clip_name2="clip_l.safetensors")),
    ("encoder_missing", "error", extended(
        changed(text_to_image(XL, 1024), n2_clip=["42", 0], n3_clip=["42", 0]),
        n42=node("CLIPLoader", clip_name="clip_l.safetensors", type="stable_diffusion"))),
    ("merged_families", "error", MERGED),
    ("style_model_encoder", "error", REDUX),
    ("zero_weight", "warning", changed(REDUX, n43_clip_name="siglip.safetensors", n45_strength=0)),
    ("unified_adapter", "error", UNIFIED),
    ("unified_adapter", "error", changed(UNIFIED, n32_model=["66", 0]) | {
        "66": node("UNETLoader", unet_name="flux.safetensors", weight_dtype="default")}),
    ("control_lora", "warning", CONTROL_LORA),
    ("vace_model", "warning", VACE),
    ("vace_model", "error", changed(text_to_image(), n5_model=["67", 0]) | {
        "67": node("ArmatureVACEWeights", model=["1", 0], weight=0.5)}),
    ("zero_weight", "warning", VACE),
    ("reference_ignored", "warning", REFERENCED),
    ("map_reference_model", "error", changed(MAPPED, n49_model=["68", 0]) | {
        "68": node("CheckpointLoaderSimple", ckpt_name=XL)}),
    ("patch_node", "error", patched("z_image.safetensors", "z_image_fun.safetensors", "WanUni3CControlnetApply")),
    ("patch_mask", "warning", patched("qwen.safetensors", "qwen_inpaint.safetensors")),
    ("patch_without_control", "error", controlled(net="uso.safetensors", loader="ArmatureLoadControlNet")),
    ("control_model", "warning", changed(FLUX, n40_unet_name="flux_fill.safetensors")),
    ("control_map", "warning", extended(
        changed(patched("qwen.safetensors", "qwen_canny.safetensors"), n52_image=["54", 0]),
        n54=node("DepthAnythingV2Preprocessor", image=["53", 0]))),
    ("patch_folder", "error", controlled(net="stray_patch.safetensors", loader="ArmatureLoadControlNet")),
    ("zero_weight", "warning", changed(patched("z_image.safetensors", "z_image_fun.safetensors"), n52_strength=0)),
    ("large_weight", "warning", changed(patched("z_image.safetensors", "z_image_fun.safetensors"), n52_strength=4)),
    ("model_patch_family", "error", patched("qwen.safetensors", "z_image_fun.safetensors")),
    ("model_patch_family", "error", controlled(net="z_image_fun.safetensors", loader="ArmatureLoadControlNet")),
    ("lllite_family", "error", controlled(net="sdxl_lllite.safetensors", loader="ArmatureLoadControlNet")),
    ("control_needs_vae", "error", controlled(net="z_image_fun.safetensors", loader="ArmatureLoadControlNet")),
    ("no_loader", "error", patched("z_image.safetensors", "flux2_fun.safetensors")),
    ("unknown_node", "unknown", SWITCHED),
    ("unseen_file", "unknown", extended(text_to_image(), n69=node("ThingOfAPack", what="some.safetensors", image=["6", 0]))),
    ("unrecognised_sampler", "unknown", extended(
        text_to_image(), n69=node("SamplerOfAPack", it=["70", 0], steps=20, cfg=7, seed=1), n70=node("ThingOfAPack"))),
    ("cycle", "error", text_to_image() | {"8": node("ImageInvert", image=["9", 0]), "9": node("ImageInvert", image=["8", 0])}),
    ("dangling_link", "error", changed(text_to_image(), n6_samples=["99", 0])),
    ("dangling_link", "error", changed(text_to_image(), n6_vae=["1", 7])),
    ("opaque_node", "unknown", SWITCHED),
    ("missing_file", "error", text_to_image("nowhere.safetensors")),
    ("outside_folder", "error", text_to_image("../../etc/passwd")),
    ("linked_file", "unknown", changed(text_to_image(), n1_ckpt_name=["2", 0])),
    ("wrong_kind", "error", with_lora(text_to_image(), "is_a_vae.safetensors")),
    ("wrong_kind", "error", controlled(net="controlnext.safetensors")),
    ("wrong_folder", "hint", text_to_image("lies_wrong.safetensors")),
    ("missing_part", "error", text_to_image("bare.safetensors")),
    ("gguf_loader", "error", text_to_image("packed.gguf")),
    ("unreadable_file", "error", text_to_image("broken.safetensors")),
    ("pickle_container", "hint", text_to_image("plain.ckpt")),
    ("control_net_family", "error", controlled(XL)),
    ("t2i_adapter_family", "error", controlled(XL, "t2i_sd15.safetensors")),
    ("lora_family", "error", with_lora(text_to_image(XL, 1024), "sd15_style.safetensors")),
    ("lora_names", "error", with_lora(text_to_image(XL, 1024), "sdxl_peft.safetensors")),
    ("lora_names", "error", UNET_ALONE),
    ("lora_family", "error", STACKED),
    ("ip_adapter_family", "error", with_ip_adapter(text_to_image(), "sdxl_base.safetensors", "vit_bigg.safetensors")),
    ("ip_adapter_encoder", "error", with_ip_adapter(text_to_image(), "sd15_plus.safetensors", "vit_bigg.safetensors")),
    ("face_adapter", "hint", with_ip_adapter(text_to_image(), "sd15_faceid.safetensors", "vit_h.safetensors")),
    ("text_encoder_family", "error", extended(
        changed(text_to_image(), n2_clip=["42", 0]),
        n42=node("CLIPLoader", clip_name="t5.safetensors", type="stable_diffusion"))),
    ("text_encoder_family", "error", extended(
        changed(text_to_image(XL, 1024), n2_clip=["42", 1]), n42=node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"))),
    ("text_encoder_family", "error", changed(REFINED, n60_positive=["2", 0])),
    ("text_encoder_family", "error", extended(
        changed(text_to_image(), n2_clip=["42", 1]), n42=node("CheckpointLoaderSimple", ckpt_name=XL))),
    ("encoder_type", "error", changed(FLUX, n42_type="sd3")),
    ("conditioning_vae", "error", INPAINT),
    ("decoding_vae", "error", OTHER_VAE),
    ("encoding_vae", "error", IMAGE_TO_IMAGE),
    ("encoding_vae", "error", extended(
        changed(FLUX, n5_positive=["63", 0]), n63=REFERENCED["63"], n64=changed(REFERENCED, n64_vae=["66", 0])["64"],
        n65=REFERENCED["65"], n66=node("VAELoader", vae_name="sd.safetensors"))),
    ("latents_between_models", "error", changed(FLUX | {
        "60": node("KSampler", model=["61", 0], positive=["62", 0], negative=["62", 0], latent_image=["5", 0], cfg=7),
        "61": node("CheckpointLoaderSimple", ckpt_name=XL), "62": node("CLIPTextEncode", text="x", clip=["61", 1])},
        n6_samples=["60", 0])),
    ("blended_latents", "error", BLEND),
    ("blended_latents", "warning", extended(
        changed(text_to_image(), n5_latent_image=["50", 0]),
        n50=node("LatentAdd", samples1=["4", 0], samples2=["51", 0]),
        n51=node("EmptyLatentImage", width=256, height=256, batch_size=1))),
    ("latent_size", "warning", changed(text_to_image(), n4_width=515)),
    ("latent_size", "hint", text_to_image(XL, 512)),
    ("control_ratio", "warning", extended(
        changed(controlled(), n13_image=["16", 0]),
        n16=node("ImageScale", image=["12", 0], width=1024, height=512, upscale_method="area", crop="disabled"))),
    ("control_map", "warning", controlled(net="sd15_openpose.safetensors")),
    ("depth_colours", "warning", GRAY),
    ("controlnext_alone", "hint", controlled(XL, "controlnext.safetensors", "ArmatureLoadControlNeXt")),
    ("packed_weights", "error", text_to_image("nf4.safetensors")),
    ("scales_ignored", "error", controlled(net="scaled.safetensors")),
    ("whole_numbers", "error", text_to_image("int8.safetensors")),
    ("quantised_format", "hint", loaded_apart("new_format.safetensors")),
    ("weight_dtype", "hint", loaded_apart("scaled.safetensors", "fp8_e4m3fn")),
    ("weight_dtype", "hint", loaded_apart("fp8.safetensors", "fp8_e5m2")),
    ("eight_bits", "warning", extended(
        changed(text_to_image(), n6_vae=["90", 0]), n90=node("VAELoader", vae_name="eight.safetensors"))),
    ("union_type", "hint", UNION),
    ("union_type", "warning", UNION_SET),
    ("control_needs_vae", "error", FLUX_CONTROLLED),
    ("zero_weight", "warning", controlled(strength=0)),
    ("empty_range", "warning", controlled(start_percent=0.8, end_percent=0.2)),
    ("empty_range", "warning", controlled(start_percent=0.5, end_percent=0.5)),
    ("large_weight", "warning", controlled(strength=3)),
    ("many_signals", "hint", MANY),
    ("patches_ignored", "error", ENGINE),
    ("control_on_engine", "warning", ENGINE_CONTROLLED),
    ("patch_weight", "warning", with_lora(text_to_image(), "sd15_style.safetensors", strength_model=0, strength_clip=0)),
    ("patch_weight", "warning", with_lora(text_to_image(), "sd15_style.safetensors", strength_model=5)),
    ("patch_weight", "warning", with_ip_adapter(text_to_image(), "sd15_plus.safetensors", "vit_h.safetensors", weight=0)),
    ("lora_coverage", "error", with_lora(text_to_image(), "sd15_odd.safetensors")),
    ("guidance_of_family", "warning", changed(FLUX, n5_cfg=7)),
    ("distilled_settings", "hint", text_to_image("sdxl_turbo.safetensors", 1024)),
    ("sampler_sliders", "warning", text_to_image(cfg=40)),
    ("sampler_sliders", "warning", text_to_image(denoise=0)),
    ("embedding", "error", changed(text_to_image(XL, 1024), n3_text="embedding:bad_hands")),
    ("embedding", "warning", changed(text_to_image(), n3_text="(embedding:nowhere:1.2), ugly")),
    ("trigger_word", "hint", LORA_OF_UNET),
    ("controlnext_family", "error", controlled("sd2.safetensors", "controlnext.safetensors", "ArmatureLoadControlNeXt")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "severity", "prompt"), SPEAKS, ids=[f"{rule}-{n}" for n, (rule, *_) in enumerate(SPEAKS)]
)
def test_the_rule_speaks(models, rule, severity, prompt):
    report = check(prompt, models)
    found = [one for one in report.findings if one.rule == rule]
    assert found, [(one.rule, one.severity, one.text) for one in report.findings]
    assert {one.severity for one in found} == {severity}
    for one in found:
        assert one.node in prompt and one.text.endswith((".", ":")) and one.fix.endswith("."), one


def test_no_controlnext_file_is_offered_among_control_nets(models):
    report = check(controlled(XL, "sd15_canny.safetensors", "ArmatureLoadControlNet"), models)
    (found,) = [one for one in report.findings if one.rule == "control_net_family"]
    assert found.candidates[0] == "sdxl_canny.safetensors" and "controlnext.safetensors" not in found.candidates
    assert "Armature's stop before sampling" in found.text


def test_what_our_nodes_do_with_patches_is_what_the_check_says():
    from armature_pack.models.compatibility.rules.model_patches import APPLIES
    from armature_pack.models.control.model_patch.kinds import KINDS

    ours = {kind.layout for kind in KINDS} - {"control_lllite"}  # which is a file of its own kind
    assert set(APPLIES["ArmatureControlSignal"]) == set(APPLIES["ArmatureApplyControl"]) == ours


def test_every_rule_has_a_graph_here_or_is_one_of_a_family():
    covered = {rule for rule, *_ in SPEAKS}
    alike = {"controlnext_weights_family", "style_model_family", "gligen_family"}
    assert {rule.id for rule in RULES} - covered == alike
    assert len({rule.id for rule in RULES}) == len(RULES)


SOUND = [
    text_to_image(),
    MAPPED,
    changed(REDUX, n43_clip_name="siglip.safetensors"),
    changed(UNIFIED, n32_model=["1", 0]),
    text_to_image("sdxl.safetensors", 1024),
    text_to_image("sdxl_turbo.safetensors", 1024, cfg=1.0, steps=4),
    controlled(),
    controlled(XL, "sdxl_canny.safetensors"),
    controlled(net="t2i_sd15.safetensors"),
    controlled(net="controlnext.safetensors", loader="ArmatureLoadControlNeXt"),
    controlled(net="controlnext.safetensors", loader="ArmatureLoadControlNet"),
    with_lora(text_to_image(), "sd15_style.safetensors"),
    with_lora(changed(text_to_image(XL, 1024), n2_text="zebrastyle"), "sdxl_style.safetensors"),
    with_ip_adapter(text_to_image(), "sd15_plus.safetensors", "vit_h.safetensors"),
    changed(text_to_image(), n3_text="embedding:bad_hands, ugly"),
    controlled(net="plain_fp8.safetensors"),
    loaded_apart("scaled.safetensors"),
    loaded_apart("fp8.safetensors", "fp8_e4m3fn_fast"),
    FLUX,
    changed(FLUX_CONTROLLED, n13_vae=["41", 0]),
    REFINED,
    changed(UNION_SET, n70_type="canny/lineart/anime_lineart/mlsd"),
    extended(changed(text_to_image(), n6_vae=["90", 0]), n90=node("VAELoader", vae_name="sd.safetensors")),
]


@pytest.mark.parametrize("prompt", SOUND, ids=range(len(SOUND)))
def test_a_sound_graph_has_nothing_to_say(models, prompt):
    report = check(prompt, models)
    assert report.ok and not report.findings, [(one.rule, one.text) for one in report.findings]


def test_an_uncertain_path_makes_an_uncertain_finding(models):
    """A switch of an unknown pack: one of its two models fits the control net, the other does not."""
    prompt = controlled() | {"94": SWITCHED["94"], "95": SWITCHED["95"]}
    prompt["5"]["inputs"]["model"] = ["95", 0]
    found = {one.rule: one.severity for one in check(prompt, models).findings}
    assert found["control_net_family"] == "unknown" and found["opaque_node"] == "unknown"
    assert check(prompt, models).ok


def test_a_finding_names_nodes_files_families_and_what_would_fit(models):
    (found,) = [one for one in check(controlled(XL), models).findings if one.rule == "control_net_family"]
    assert found.node == "10" and found.input == "control_net_name" and found.title == "Load net"
    assert [note.name for note in found.files] == ["sd15_canny.safetensors", XL]
    assert [note.families for note in found.files] == [("sd15",), ("sdxl",)]
    assert "'Sampler' (node 5, KSampler)" in found.text and "SD 1.5" in found.text and "SDXL" in found.text
    assert found.candidates[0] == "sdxl_canny.safetensors" and len(found.candidates) == 3


def test_the_shipped_graph(models):
    prompt = shipped("control_signal")
    prompt["1"]["inputs"]["ckpt_name"], prompt["2"]["inputs"]["control_net_name"] = XL, "sd15_canny.safetensors"
    assert rules_of(check(prompt, models), "error") == {"control_net_family"}
    prompt["2"]["inputs"]["control_net_name"] = "sdxl_canny.safetensors"
    assert check(prompt, models).ok
