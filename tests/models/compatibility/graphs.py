"""Prompts and model folders for the checks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.report import Report
from armature_pack.models.files.index import ModelIndex, standard_folders
from armature_pack.models.files.layouts.controlnext import PLAIN
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file, write_gguf
from armature_pack.tests.models.files.transformers import transformer

ROOT = Path(__file__).resolve().parents[3]
Prompt = dict[str, Any]


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    """A node of a prompt."""
    made: dict[str, Any] = {"class_type": class_type, "inputs": inputs}
    return made | ({"_meta": {"title": title}} if title else {})


def text_to_image(checkpoint: str = "sd15.safetensors", size: int = 512, **sampler: Any) -> Prompt:
    """The smallest graph that makes a picture: loader 1, texts 2 and 3, latent 4, sampler 5, decode 6, save 7."""
    settings = {
        "seed": 1,
        "steps": 20,
        "cfg": 7,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1,
    } | sampler
    return {
        "1": node("CheckpointLoaderSimple", "Load", ckpt_name=checkpoint),
        "2": node("CLIPTextEncode", "Prompt", text="a house", clip=["1", 1]),
        "3": node("CLIPTextEncode", "Negative", text="", clip=["1", 1]),
        "4": node("EmptyLatentImage", "Latent", width=size, height=size, batch_size=1),
        "5": node(
            "KSampler",
            "Sampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
            **settings,
        ),
        "6": node("VAEDecode", "Decode", samples=["5", 0], vae=["1", 2]),
        "7": node("SaveImage", "Save", images=["6", 0], filename_prefix="x"),
    }


def controlled(
    checkpoint: str = "sd15.safetensors",
    net: str = "sd15_canny.safetensors",
    loader: str = "ControlNetLoader",
    **apply: Any,
) -> Prompt:
    """The same with a control net: loader 10, picture 11, Canny 12, apply 13."""
    prompt = text_to_image(checkpoint, 1024 if "xl" in checkpoint else 512)
    values = {"strength": 0.8, "start_percent": 0, "end_percent": 1} | apply
    prompt |= {
        "10": node(loader, "Load net", control_net_name=net),
        "11": node("LoadImage", "Picture", image="a.png"),
        "12": node("CannyEdgePreprocessor", "Edges", image=["11", 0]),
        "13": node(
            "ControlNetApplyAdvanced",
            "Apply",
            positive=["2", 0],
            negative=["3", 0],
            control_net=["10", 0],
            image=["12", 0],
            **values,
        ),
    }
    prompt["5"]["inputs"] |= {"positive": ["13", 0], "negative": ["13", 1]}
    return prompt


def with_lora(prompt: Prompt, name: str, **values: Any) -> Prompt:
    """A LoRA (node 20) between the checkpoint and all that reads its model and CLIP."""
    changed = copy.deepcopy(prompt)
    for one in changed.values():
        for key, value in one["inputs"].items():
            if value in (["1", 0], ["1", 1]):
                one["inputs"][key] = ["20", value[1]]
    strengths = {"strength_model": 0.8, "strength_clip": 0.8} | values
    changed["20"] = node("LoraLoader", "LoRA", model=["1", 0], clip=["1", 1], lora_name=name, **strengths)
    return changed


def with_ip_adapter(prompt: Prompt, adapter: str, vision: str, **values: Any) -> Prompt:
    """An IP-Adapter: loaders 30 and 31, apply 32, before the sampler."""
    changed = copy.deepcopy(prompt)
    changed |= {
        "30": node("ArmatureLoadIPAdapter", "Load adapter", ip_adapter_name=adapter),
        "31": node("CLIPVisionLoader", "Load vision", clip_name=vision),
        "32": node(
            "ArmatureApplyIPAdapter",
            "Image prompt",
            model=changed["5"]["inputs"]["model"],
            ip_adapter=["30", 0],
            clip_vision=["31", 0],
            weight=values.pop("weight", 0.6),
            **values,
        ),
    }
    changed["5"]["inputs"]["model"] = ["32", 0]
    return changed


def shipped(name: str) -> Prompt:
    """An API graph of workflows/api."""
    return json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))


FILES = {
    "checkpoints/sd15.safetensors": lambda: networks.checkpoint("sd15"),
    "checkpoints/sdxl.safetensors": lambda: networks.checkpoint("sdxl"),
    "checkpoints/sdxl_turbo.safetensors": lambda: networks.checkpoint("sdxl"),
    "checkpoints/sdxl_refiner.safetensors": lambda: networks.checkpoint("sdxl_refiner"),
    "diffusion_models/sdxl_unet.safetensors": lambda: networks.unet("sdxl"),
    "diffusion_models/flux.safetensors": lambda: transformer("flux"),
    "diffusion_models/qwen.safetensors": lambda: transformer("qwen_image"),
    "diffusion_models/wan.safetensors": lambda: transformer("wan"),
    "diffusion_models/z_image.safetensors": lambda: transformer("z_image"),
    "model_patches/z_image_fun.safetensors": lambda: {"control_all_x_embedder.2-1.weight": (3840, 132)},
    "model_patches/qwen_canny.safetensors": lambda: {
        "controlnet_blocks.0.y_rms.weight": (3072,),
        "img_in.weight": (3072, 64),
    },
    "model_patches/uso.safetensors": lambda: {"feature_embedder.mid_layer_norm.bias": (1152,)},
    "diffusion_models/flux_fill.safetensors": lambda: transformer("flux") | {"img_in.weight": (3072, 384)},
    "model_patches/qwen_inpaint.safetensors": lambda: {
        "controlnet_blocks.0.y_rms.weight": (3072,),
        "img_in.weight": (3072, 68),
    },
    "model_patches/flux2_fun.safetensors": lambda: {
        "control_transformer_blocks.0.after_proj.weight": (6144, 6144),
        "control_img_in.weight": (6144, 260),
    },
    "style_models/redux.safetensors": lambda: {"redux_down.weight": (4096, 12288), "redux_up.weight": (12288, 1152)},
    "controlnet/sd15_canny.safetensors": lambda: networks.controlnet("sd15"),
    "controlnet/sd15_openpose.safetensors": lambda: networks.controlnet("sd15"),
    "controlnet/sdxl_canny.safetensors": lambda: networks.controlnet("sdxl"),
    "controlnet/sdxl_depth.safetensors": lambda: networks.controlnet("sdxl"),
    "controlnet/sdxl_union.safetensors": lambda: networks.union("sdxl"),
    "controlnet/flux_net.safetensors": lambda: {
        "controlnet_blocks.0.weight": (3072, 3072),
        "controlnet_x_embedder.weight": (3072, 64),
    },
    "controlnet/sdxl_lllite.safetensors": lambda: {
        "lllite_unet_input_blocks_7_1_transformer_blocks_1_attn2_to_q.down.0.weight": (64, 1280)
    },
    "controlnet/t2i_sd15.safetensors": lambda: {"body.0.in_conv.weight": (80, 192, 1, 1)},
    "controlnet/controlnext.safetensors": PLAIN.shapes,
    "loras/sd15_style.safetensors": lambda: networks.lora("sd15"),
    "loras/sdxl_style.safetensors": lambda: networks.lora("sdxl"),
    "loras/sdxl_other.safetensors": lambda: networks.lora("sdxl", rank=4),
    "loras/sdxl_peft.safetensors": lambda: networks.lora("sdxl", diffusers=True),
    "loras/flux_depth_control.safetensors": lambda: {
        "double_blocks.0.img_attn.proj.lora_A.weight": (128, 3072),
        "img_in.lora_A.weight": (128, 128),
    },
    "loras/is_a_vae.safetensors": lambda: networks.vae(4),
    "vae/sd.safetensors": lambda: networks.vae(4),
    "vae/flux.safetensors": lambda: networks.vae(16),
    "ipadapter/sd15_plus.safetensors": lambda: networks.ip_adapter("sd15", "plus", "vit_h"),
    "ipadapter/sdxl_base.safetensors": lambda: networks.ip_adapter("sdxl", "base", "vit_bigg"),
    "ipadapter/sd15_faceid.safetensors": lambda: networks.ip_adapter("sd15", "face_id"),
    "clip_vision/siglip.safetensors": lambda: networks.clip_vision("siglip_384"),
    "clip_vision/vit_h.safetensors": lambda: networks.clip_vision("vit_h"),
    "clip_vision/vit_bigg.safetensors": lambda: networks.clip_vision("vit_bigg"),
    "text_encoders/clip_l.safetensors": lambda: networks.CLIP_L,
    "text_encoders/t5.safetensors": lambda: networks.T5,
    "embeddings/bad_hands.safetensors": lambda: {"emb_params": (4, 768)},
}


def write_models(folder: Path) -> ModelIndex:
    """A models folder with one file of many kinds; sparse, so it takes no space."""
    for name, shapes in FILES.items():
        # Files without numbers differ in this alone.
        metadata = {"name": name} | ({"modelspec.trigger_phrase": "zebrastyle"} if "sdxl_style" in name else {})
        write_file(folder / name, shapes(), metadata=metadata)
    bad = {
        name.replace("attn2", "attn9"): shape for name, shape in networks.lora("sd15").items() if "_to_k" not in name
    }
    odd = bad | {"lora_unet_input_blocks_99_1_transformer_blocks_0_attn2_to_k.lora_down.weight": (8, 768)}
    write_file(folder / "loras" / "sd15_odd.safetensors", odd)
    write_file(folder / "controlnet" / "stray_patch.safetensors", {"control_all_x_embedder.2-1.weight": (3840, 132)})
    write_file(folder / "checkpoints" / "lies_wrong.safetensors", networks.unet("sd15"))
    bare = networks.under("model.diffusion_model.", networks.unet("sd15"))
    write_file(
        folder / "checkpoints" / "bare.safetensors", bare | networks.under("first_stage_model.", networks.vae(4))
    )
    write_file(folder / "checkpoints" / "sd2.safetensors", networks.checkpoint("sd2"))
    packed = networks.checkpoint("sd15") | {"model.diffusion_model.input_blocks.1.0.in_layers.2.weight.absmax": (64,)}
    write_file(folder / "checkpoints" / "nf4.safetensors", packed)
    write_file(folder / "vae" / "eight.safetensors", networks.vae(4), "F8_E4M3")
    write_file(folder / "checkpoints" / "int8.safetensors", networks.checkpoint("sd15"), "I8")
    scale: networks.Shapes = {"input_blocks.1.1.transformer_blocks.0.attn2.to_k.scale_weight": (), "scaled_fp8": (0,)}
    scale_xl: networks.Shapes = {
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.scale_weight": (),
        "scaled_fp8": (0,),
    }
    write_file(folder / "controlnet" / "scaled.safetensors", networks.controlnet("sd15") | scale, "F8_E4M3")
    write_file(folder / "controlnet" / "plain_fp8.safetensors", networks.controlnet("sd15"), "F8_E4M3")
    write_file(folder / "diffusion_models" / "scaled.safetensors", networks.unet("sdxl") | scale_xl, "F8_E4M3")
    write_file(folder / "diffusion_models" / "fp8.safetensors", networks.unet("sdxl"), "F8_E4M3")
    layers = json.dumps({"layers": {"time_embed.0": {"format": "int3"}}})
    told = {"_quantization_metadata": layers}
    write_file(folder / "diffusion_models" / "new_format.safetensors", networks.unet("sdxl"), metadata=told)
    (folder / "checkpoints" / "broken.safetensors").write_bytes(b"not a file of weights")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, folder / "checkpoints" / "plain.ckpt")
    write_gguf(folder / "checkpoints" / "packed.gguf", networks.unet("sd15"), {})
    for name in ("style_models", "gligen", "upscale_models", "model_patches", "vae_approx"):
        (folder / name).mkdir(exist_ok=True)
    return ModelIndex(standard_folders(folder))


def rules_of(report: Report, *severities: str) -> set[str]:
    """The ids of the rules that found something."""
    return {found.rule for found in report.findings if not severities or found.severity in severities}


def check(prompt: Prompt, index: ModelIndex) -> Report:
    """The check with the recorded types."""
    return check_prompt(prompt, index)
