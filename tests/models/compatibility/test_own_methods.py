"""The check knows our preprocessors by their registry, and the shipped graphs raise no alarm."""

from __future__ import annotations

import json

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.facts import map_of, own_method
from armature_pack.models.compatibility.file_uses import file_input
from armature_pack.models.compatibility.prompt import read_prompt
from armature_pack.models.files.index import ModelIndex, standard_folders
from armature_pack.models.files.layouts.controlnext import PLAIN, STEM
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tests.models.compatibility.graphs import ROOT, controlled, node, rules_of
from armature_pack.tests.models.compatibility.named_files import NamedIndex
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file
from armature_pack.tests.models.files.transformers import transformer

GRAPHS = sorted(path.stem for path in (ROOT / "workflows" / "api").glob("*.json"))
DELTAS = {
    f"down_blocks.{block}.attentions.0.transformer_blocks.{layer}.attn2.to_out.0.weight": (640 * block, 640 * block)
    for block, layer in ((1, 0), (1, 1), (2, 0), (2, 9))
}
SVD = {
    "conv_in.weight": (320, 8, 3, 3),
    "down_blocks.0.attentions.0.temporal_transformer_blocks.0.norm1.weight": (320,),
}
NETS = ["p_sd15_openpose", "p_sd15_lineart", "p_sd15_mlsd", "p_sd15_seg", "p_sd15_normalbae"]
NETS += ["p_sd15_inpaint", "f1e_sd15_tile"]
_QWEN3, _NORM = "model.layers.0.self_attn.q_norm.weight", "model.layers.0.post_attention_layernorm.weight"
FLUX_NET = {"controlnet_blocks.0.weight": (3072, 3072), "controlnet_x_embedder.weight": (3072, 64)}
_T5 = "encoder.block.23.layer.1.DenseReluDense.wi_1.weight"
# What the files of the shipped graphs are; the rest is told by NamedIndex.
SHIPPED = {
    "control_v11p_sd15_canny_fp16.safetensors": lambda: networks.controlnet("sd15"),
    "controlnext_sd15_deepfashion_multiview.safetensors": PLAIN.shapes,
    "neta-xl-v2.safetensors": lambda: networks.checkpoint("sdxl"),
    "controlnext_sdxl_anime_canny.safetensors": STEM.shapes,
    "controlnext_sdxl_anime_canny_unet.safetensors": lambda: DELTAS,
    "sd_xl_offset_example-lora_1.0.safetensors": lambda: networks.lora("sdxl"),
    "v1-5-pruned-emaonly-fp16.safetensors": lambda: networks.checkpoint("sd15"),
    "controlnext_svd_v2.safetensors": STEM.shapes,
    "controlnext_svd_v2_unet.safetensors": lambda: SVD,
    "add_detail.safetensors": lambda: networks.lora("sd15"),
    "animeoutlineV4_16.safetensors": lambda: networks.lora("sd15"),
    "ip-adapter-plus_sd15.safetensors": lambda: networks.ip_adapter("sd15"),
    "ip-adapter-plus_sdxl_vit-h.safetensors": lambda: networks.ip_adapter("sdxl"),
    "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors": lambda: networks.clip_vision("vit_h"),
    "control_v11f1p_sd15_depth_fp16.safetensors": lambda: networks.controlnet("sd15"),
    **{f"control_v11{net}_fp16.safetensors": lambda: networks.controlnet("sd15") for net in NETS},
    "sd_xl_base_1.0.safetensors": lambda: networks.checkpoint("sdxl"),
    "z_image_turbo_bf16.safetensors": lambda: transformer("z_image"),
    "qwen_image_fp8_e4m3fn.safetensors": lambda: transformer("qwen_image"),
    "flux1-dev.safetensors": lambda: transformer("flux"),
    "anima-base-v1.0.safetensors": lambda: transformer("anima"),
    "qwen_3_4b.safetensors": lambda: {_NORM: (2560,), _QWEN3: (128,)},
    "qwen_3_06b_base.safetensors": lambda: {_NORM: (1024,), _QWEN3: (128,)},
    "qwen_2.5_vl_7b_fp8_scaled.safetensors": lambda: {"model.layers.0.self_attn.k_proj.bias": (512,)},
    "clip_l.safetensors": lambda: networks.CLIP_L,
    "t5xxl_fp16.safetensors": lambda: {_T5: (10240, 4096)},
    "ae.safetensors": lambda: networks.vae(16),
    "qwen_image_vae.safetensors": lambda: networks.WAN_VAE,
    "Z-Image-Turbo-Fun-Controlnet-Union.safetensors": lambda: {"control_all_x_embedder.2-1.weight": (3840, 132)},
    "qwen_image_canny_diffsynth_controlnet.safetensors": lambda: {"controlnet_blocks.0.y_rms.weight": (3072,)},
    "anima-lllite-any-test-like-v2.safetensors": lambda: {"lllite_conditioning1.conv1.weight": (16, 3, 4, 4)},
    "flux-canny-controlnet-v3.safetensors": lambda: {
        "controlnet_blocks.0.weight": (3072, 3072),
        "controlnet_x_embedder.weight": (3072, 64),
    },
}


PATCHES = {name for name in SHIPPED if name.startswith(("Z-Image", "qwen_image_canny", "anima-lllite"))}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.method)
def test_our_preprocessors_are_known_by_node_and_by_method(entry):
    alone = read_prompt({"1": node(entry.node_id)})["1"]
    in_one = read_prompt({"1": node("ArmatureControlMap", method=entry.method)})["1"]
    assert map_of(alone) == map_of(in_one) == entry.makes.name
    assert own_method(alone).version == entry.version


@pytest.mark.parametrize("kind", [kind for entry in ENTRIES for kind in entry.wanted_by])
def test_a_net_that_the_registry_says_reads_the_map_raises_no_alarm(kind, models, tmp_path):
    (entry,) = [one for one in ENTRIES if kind in one.wanted_by][:1]
    is_next = kind in ("depth_viridis", "pose_bgr")  # forms that ControlNeXt alone was trained on
    shapes = STEM.shapes() if is_next else networks.controlnet("sd15")
    write_file(tmp_path / "controlnet" / f"sd15_{kind}.safetensors", shapes)
    index = ModelIndex({**models.folders, "controlnet": [tmp_path / "controlnet"]})
    prompt = controlled(net=f"sd15_{kind}.safetensors", loader="ArmatureLoadControlNet")
    prompt["12"] = node(entry.node_id, image=["11", 0])
    assert "control_map" not in rules_of(check_prompt(prompt, index))


def test_a_control_map_of_another_method_is_told(models):
    prompt = controlled(net="sd15_openpose.safetensors")
    prompt["12"] = node("ArmatureControlMap", image=["11", 0], method="canny")
    assert "control_map" in rules_of(check_prompt(prompt, models))


@pytest.mark.parametrize("name", GRAPHS)
def test_no_false_alarm_about_a_shipped_graph(name, tmp_path):
    prompt = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    named, index = NamedIndex(), ModelIndex({})
    for one in prompt.values():
        for key, value in one["inputs"].items():
            takes = file_input(one["class_type"], key)
            if takes is not None and value in SHIPPED:
                folder = (
                    takes.folders[-1] if "model_patches" in takes.folders and value in PATCHES else takes.folders[0]
                )
                write_file(tmp_path / folder / value, SHIPPED[value]())
    index = ModelIndex(standard_folders(tmp_path))
    report = check_prompt(prompt, index)
    errors = [(found.rule, found.text) for found in report.findings if found.severity == "error"]
    elsewhere = ("svd_xt", "armature_demo")  # a file of gigabytes, and those that `demo-models` writes
    unlisted = [text for rule, text in errors if rule == "missing_file" and not any(one in text for one in elsewhere)]
    assert [error for error in errors if error[0] != "missing_file"] == [] and not unlisted
    assert check_prompt(prompt, named).ok
