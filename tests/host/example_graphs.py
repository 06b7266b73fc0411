"""The example graphs as the tests run them: the trained demo model or generated weights for each file, small sizes, few steps."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from armature_pack.commands.demo.weights import written_models
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.models.demo import PREFIX as DEMO
from armature_pack.runs.api import use_client
from armature_pack.runs.graph import set_inputs
from armature_pack.tests.model_links import link_model
from PIL import Image, ImageSequence

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
API = WORKFLOWS / "api"

# The file that a graph names -> what stands in: one of the demo model's files, else generated weights of this recipe.
STAND_INS: dict[str, str] = {
    "v1-5-pruned-emaonly-fp16.safetensors": DEMO,
    "sd_xl_base_1.0.safetensors": DEMO,  # for ip_adapter_style: what adapter there is, is one for SD 1.5
    "neta-xl-v2.safetensors": "sdxl_checkpoint",
    "svd_xt_1_1.safetensors": "svd_checkpoint",
    "control_v11p_sd15_canny_fp16.safetensors": f"{DEMO}_canny",
    "control_v11f1p_sd15_depth_fp16.safetensors": f"{DEMO}_depth",
    "control_v11p_sd15_openpose_fp16.safetensors": f"{DEMO}_canny",
    "control_v11p_sd15_lineart_fp16.safetensors": f"{DEMO}_canny",
    "control_v11p_sd15_mlsd_fp16.safetensors": f"{DEMO}_canny",
    "control_v11p_sd15_seg_fp16.safetensors": f"{DEMO}_depth",
    "control_v11p_sd15_normalbae_fp16.safetensors": f"{DEMO}_depth",
    "control_v11p_sd15_inpaint_fp16.safetensors": f"{DEMO}_canny",
    "control_v11f1e_sd15_tile_fp16.safetensors": f"{DEMO}_depth",
    "controlnext_sd15_deepfashion_multiview.safetensors": f"{DEMO}_controlnext",
    "controlnext_sdxl_anime_canny.safetensors": "controlnext_control",
    "controlnext_sdxl_anime_canny_unet.safetensors": "controlnext_weights_sdxl",
    "controlnext_svd_v2.safetensors": "controlnext_control",
    "controlnext_svd_v2_unet.safetensors": "controlnext_weights_svd",
    "sd_xl_offset_example-lora_1.0.safetensors": "sdxl_lora",
    # In graphs of 0.1.0.
    "style.safetensors": "sdxl_lora",
    "character.safetensors": f"{DEMO}_ink",
    "product.safetensors": f"{DEMO}_ink",
    "ink_solids_1000_steps_00001_.safetensors": f"{DEMO}_ink",
    "add_detail.safetensors": f"{DEMO}_ink",
    "animeoutlineV4_16.safetensors": f"{DEMO}_ink",
    "ip-adapter-plus_sd15.safetensors": f"{DEMO}_ip_adapter",
    "ip-adapter-plus_sdxl_vit-h.safetensors": f"{DEMO}_ip_adapter",
    "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors": f"{DEMO}_clip_vision",
}

# Graphs for families whose released sizes are too large for a test -> the family, whose small networks take the loaders' place.
SMALL_FAMILIES = {
    "z_image_control": "z_image",
    "qwen_image_control": "qwen_image",
    "flux_control": "flux",
    "anima_lllite": "anima",
}

# The encoders of pictures and texts have released sizes too, and run for seconds: whole where a graph is tried first, small
# ones in their place elsewhere.
WHOLE_VISION = ("ip_adapter_style", "compatibility_check")

_SIZE = {"Empty latent.width": 64, "Empty latent.height": 64}
# A control that acts from the beginning shows itself after one step, and a step is most of a small graph's time.
_SMALL = _SIZE | {"Sampler.steps": 1}
# The small network has none of the blocks that style transfer names.
_LINEAR = {"Apply IP-Adapter.weight_type": "linear"}
_BLEND = {f"{sampler}.steps": 4 for sampler in ("First style", "Second style", "Finish")}
_QUICK_LORA = {  # the graph of the loss needs two steps
    "steps": 2, "learning_rate": 1e-3, "rank": 8, "training_dtype": "fp32", "gradient_checkpointing": False,
}  # fmt: skip
# What else is changed, so that a run is quick; _SMALL for those that are not here.
SETTINGS: dict[str, dict[str, Any]] = {
    "ip_adapter_style": _SMALL | _LINEAR,
    "ip_adapter_depth_lora": _SMALL | _LINEAR,
    "product_identity_lora": _SMALL | _LINEAR | {"Style pictures.name": "still_life"},
    "storytelling": _SMALL | _LINEAR | {"Mood board.name": "still_life"},
    "product_identity": _SIZE
    | {"Product photos.name": "still_life"}
    | {"Sampler, living room.steps": 1, "Sampler, office.steps": 1},
    "lora_training": _SMALL | {f"Train LoRA.{key}": value for key, value in _QUICK_LORA.items()},
    "sample_to_adherence": _SIZE
    | {"Scale picture.width": 64, "Scale picture.height": 64, "Steps.steps": 2, "Sample to Adherence.tries": 2},
    "adaptive_weight": _SIZE | {"Sampler.steps": 4},
    "train_controlnext": _SMALL
    | {"Training pictures.folder": "example: teapot", "Training pictures.size": 64, "Scale picture.width": 64}
    | {"Scale picture.height": 64, "Train ControlNeXt.steps": 2, "Train ControlNeXt.batch": 1}
    | {"Train ControlNeXt.validation_pictures": 1, "Train ControlNeXt.validation_steps": 1},
    "train_ip_adapter": _SMALL
    | {"Photographs of the product.size": 64, "Train IP-Adapter.steps": 2, "Train IP-Adapter.batch": 1}
    | {"Train IP-Adapter.validation_pictures": 1, "Train IP-Adapter.validation_steps": 1},
    "train_loras": _SIZE
    | {f"{what}: pictures.size": 64 for what in ("Product", "Style")}
    | {f"{what}: train LoRA.{key}": value for what in ("Product", "Style") for key, value in _QUICK_LORA.items()}
    | {"Sampler, product.steps": 1, "Sampler, product and style.steps": 1},
    "inpaint_control": {"Sampler.steps": 1, "Mask.x": 8, "Mask.y": 8}
    | {f"Whole picture.{side}": 64 for side in ("width", "height")}
    | {f"Part to redraw.{side}": 40 for side in ("width", "height")},
    "tile_upscale": {"Sampler.steps": 1, "Enlarge.scale_by": 0.16}
    | {"Split into tiles.tile_width": 64, "Split into tiles.tile_height": 64}
    | {"Split into tiles.overlap": 16, "Merge tiles.overlap": 16},
    "batch_folder": {"Sampler.steps": 1},
    "architectural_blueprint": _SMALL | {"Plans and sketches.name": "floor_plan"},
    "concept_add_subtract": _SIZE | {"Steps.steps": 2},
    "latent_blend": _SIZE
    | _BLEND
    | {"First style.end_at_step": 2, "Second style.end_at_step": 2}
    | {"Finish.start_at_step": 2},
    "compare_controls": _SIZE
    | {"Scale picture.width": 64, "Scale picture.height": 64}
    | {f"Sampler, {way}.steps": 1 for way in ("no control", "ControlNet", "ControlNeXt", "all three")},
    "weight_sweep": _SMALL | {"Weight sweep.weights": "0.8, 1"},
    "04 IP-Adapter style": _SIZE | {f"Sampler, {way} style.steps": 1 for way in ("without", "with")},
    "06 Weight sweep with adherence": _SMALL | {"Weight sweep.weights": "0.8, 1"},
    **{name: _SMALL | {"Picture size.width": 64, "Picture size.height": 64} for name in SMALL_FAMILIES},
    "controlnext_svd": {
        "Clip.width": 64,
        "Clip.height": 64,
        "Clip.video_frames": 4,
        "Poses of the clip.frames": 3,
        "Windows.length": 3,
        "Windows.overlap": 1,
        "Sampler.steps": 1,
    },
}
# Graphs whose size is that of their pictures: these are made so many pixels wide and high.
_SHRUNK = {"inpaint_control": 64, "batch_folder": 64}
# What switches the graph's signal off; else the weight of Control signal.
SWITCHES: dict[str, dict[str, Any]] = {
    **{name: {"Apply control.weight": 0} for name in SMALL_FAMILIES},
    "ip_adapter_style": {"Apply IP-Adapter.weight": 0},
    "sample_to_adherence": {"Sample to Adherence.maximum_weight": 0.01},
    "train_ip_adapter": {"Apply IP-Adapter.weight": 0},
    "train_loras": {"With the product.strength_model": 0},
    "three_signals": {"Colours signal.weight": 0},
    "depth_pose": {"Pose signal.weight": 0},
    "edges_segmentation": {"Segmentation signal.weight": 0},
    "architectural_blueprint": {"Depth signal.weight": 0},
    "product_identity": {"Apply IP-Adapter.weight": 0},
    "product_identity_lora": {"Product LoRA.strength_model": 0},
    "storytelling": {"Line signal.weight": 0},
    "compare_controls": {"ControlNet signal.weight": 0},
    "prompt_blend": {"Blend prompts.conditioning_to_strength": 0},
    "concept_add_subtract": {"Weight of the addition.strength": 0},
    "latent_blend": {"Blend latents.blend_factor": 0},
    "weight_sweep": {"Weight sweep.weights": "0, 0.1"},
    "02 Three control signals": {"Depth signal.weight": 0},
    "04 IP-Adapter style": {"Apply IP-Adapter.weight": 0},
    "06 Weight sweep with adherence": {"Weight sweep.weights": "0, 0.1"},
    "07 Floor plan": {"Depth signal.weight": 0},
}


def small_graph(server: Any, name: str, changes: Mapping[str, Any] | None = None, folder: Path = API) -> dict[str, Any]:
    """The API graph of this name, ready to run on the server."""
    graph = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    for node in graph.values():
        files = {key: value for key, value in node["inputs"].items() if isinstance(value, str) and value in STAND_INS}
        node["inputs"] |= {key: _stand_in(server, STAND_INS[value]) for key, value in files.items()}
    if any(str(value).startswith(DEMO) for node in graph.values() for value in node["inputs"].values()):
        demo_models(server)
    if name not in WHOLE_VISION or folder != API:
        _small_vision(graph)
    if folder != API:
        _small_encoders_of_checkpoints(graph)
    if name in SMALL_FAMILIES:
        _small_networks(graph, SMALL_FAMILIES[name])
    if name in _SHRUNK:
        _shrink_pictures(graph, _SHRUNK[name])
    return set_inputs(graph, SETTINGS.get(name, _SMALL) | dict(changes or {}))


def _small_networks(graph: dict[str, Any], family: str) -> None:
    """Nodes of the tests' own pack in the place of the loaders and the texts."""
    control = {"class_type": "ArmatureTestControlNet", "inputs": {}}
    if family != "flux":
        control = {"class_type": "ArmatureTestControl", "inputs": {"family": family}}
    others = {
        "UNETLoader": {"class_type": "ArmatureTestModel", "inputs": {"family": family}},
        "VAELoader": {"class_type": "ArmatureTestVAE", "inputs": {"family": family}},
        "ArmatureLoadControlNet": control,
    }
    for number, node in [*graph.items()]:
        if node["class_type"] in ("CLIPLoader", "DualCLIPLoader"):
            del graph[number]
        elif node["class_type"] == "CLIPTextEncode":
            text = {"family": family, "text": node["inputs"]["text"]}
            node.update({"class_type": "ArmatureTestText", "inputs": text})
        else:
            node.update(others.get(node["class_type"], {}))


def _small_vision(graph: dict[str, Any]) -> None:
    for node in graph.values():
        if node["class_type"] == "CLIPVisionLoader":
            node.update({"class_type": "ArmatureTestVision", "inputs": {"width": 768}})


def _small_encoders_of_checkpoints(graph: dict[str, Any]) -> None:
    """Those of SVD and SDXL, which stay in their files unused."""
    kinds = {node["class_type"] for node in graph.values()}
    if "SVD_img2vid_Conditioning" in kinds:
        graph["vision"] = {"class_type": "ArmatureTestVision", "inputs": {"width": 1024}}
    sdxl = any("sdxl_checkpoint" in str(node["inputs"].get("ckpt_name")) for node in graph.values())
    for node in graph.values():
        if node["class_type"] == "SVD_img2vid_Conditioning":
            node["inputs"]["clip_vision"] = ["vision", 0]
        elif node["class_type"] == "CLIPTextEncode" and sdxl:
            text = {"family": "sdxl", "text": node["inputs"]["text"]}
            node.update({"class_type": "ArmatureTestText", "inputs": text})


def _stand_in(server: Any, name: str) -> str:
    return f"{name}.safetensors" if name.startswith(DEMO) else server.model(name)


def demo_models(server: Any) -> None:
    """The embedded model's files in the server's model folders."""
    models = written_models(cache_folder() / "demo") / "models"
    for file in models.glob("*/*.safetensors"):
        link_model(file, server.models_folder / file.parent.name)


def _shrink_pictures(graph: dict[str, Any], side: int) -> None:
    """A scaling node behind each example picture, and all its links moved there."""
    pictures = [number for number, node in graph.items() if node["class_type"] == "ArmatureExamplePicture"]
    for node in graph.values():
        links = {
            key: value for key, value in node["inputs"].items() if isinstance(value, list) and value[0] in pictures
        }
        node["inputs"] |= {key: [f"{value[0]} small", 0] for key, value in links.items()}
    for number in pictures:
        scaled = {"image": [number, 0], "upscale_method": "area", "width": side, "height": side, "crop": "center"}
        graph[f"{number} small"] = {
            "class_type": "ImageScale",
            "inputs": scaled,
            "_meta": {"title": f"Small {graph[number]['_meta']['title']}"},
        }


def frames_of(server: Any, result: Any, node: str) -> list[np.ndarray]:
    """The pictures that a node saved, each [H,W,3] of bytes; a clip frame by frame."""
    saved = result.images(node)
    pictures = [Image.open(io.BytesIO(use_client(server.address, lambda c, one=one: c.fetch(one)))) for one in saved]
    return [np.asarray(frame.convert("RGB")) for picture in pictures for frame in ImageSequence.Iterator(picture)]
