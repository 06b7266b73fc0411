"""Small networks of the host's transformer families and of the controls for them: real classes, seeded weights.

Nothing but the host is imported, since the tests' server loads this too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.clip_vision
import comfy.controlnet
import comfy.ldm.anima.lllite
import comfy.ldm.anima.model
import comfy.ldm.flux.controlnet
import comfy.ldm.lumina.controlnet
import comfy.ldm.wan.uni3c
import comfy.model_base
import comfy.model_patcher
import comfy.ops
import comfy.supported_models
import torch
from comfy_extras import nodes_model_patch

CPU = torch.device("cpu")
OPERATIONS: Any = comfy.ops.manual_cast  # as the host's loader of model patches
# Embeddings of the text as wide as each model reads them.
TEXT = {"flux": 32, "flux2": 32, "qwen_image": 32, "z_image": 64, "anima": 32, "wan": 32, "wan_i2v": 32, "sdxl": 2048}
POOLED = {"flux": 16, "sdxl": 1280}
QWEN = {
    "image_model": "qwen_image",
    "in_channels": 64,
    "out_channels": 16,
    "num_layers": 3,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "joint_attention_dim": 32,
    "axes_dims_rope": (8, 12, 12),
    "patch_size": 2,
}
Z_IMAGE = {
    "image_model": "lumina2",
    "patch_size": 2,
    "in_channels": 16,
    "dim": 256,
    "n_layers": 11,  # of 30, which reach the first control layers
    "n_refiner_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 4,
    "multiple_of": 32,
    "ffn_dim_multiplier": 0.5,
    "qk_norm": True,
    "cap_feat_dim": 64,
    "axes_dims": [16, 24, 24],
    "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}
ANIMA = {
    "image_model": "anima",
    "max_img_h": 240,
    "max_img_w": 240,
    "max_frames": 128,
    "in_channels": 16,
    "out_channels": 16,
    "patch_spatial": 2,
    "patch_temporal": 1,
    "model_channels": 64,
    "crossattn_emb_channels": 32,
    "pos_emb_cls": "rope3d",
    "use_adaln_lora": True,
    "adaln_lora_dim": 16,
    "num_blocks": 3,
    "num_heads": 2,
}
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 48,
    "ffn_dim": 96,
    "freq_dim": 32,
    "text_dim": 32,
    "num_heads": 2,
    "num_layers": 3,
}
FLUX2 = {
    "image_model": "flux2",
    "in_channels": 128,
    "out_channels": 128,
    "vec_in_dim": None,
    "context_in_dim": 32,
    "hidden_size": 64,
    "mlp_ratio": 3.0,
    "num_heads": 2,
    "depth": 4,
    "depth_single_blocks": 2,
    "axes_dim": [8, 8, 8, 8],
    "theta": 2000,
    "patch_size": 1,
    "qkv_bias": False,
    "guidance_embed": True,
    "txt_ids_dims": [3],
    "global_modulation": True,
    "mlp_silu_act": True,
    "ops_bias": False,
    "default_ref_method": "index",
    "ref_index_scale": 10.0,
}
FLUX: dict[str, Any] = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 16,
    "context_in_dim": 32,
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [8, 12, 12],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
FAMILIES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "qwen_image": (comfy.supported_models.QwenImage, QWEN, comfy.model_base.QwenImage),
    "z_image": (comfy.supported_models.ZImage, Z_IMAGE, comfy.model_base.Lumina2),
    "anima": (comfy.supported_models.Anima, ANIMA, comfy.model_base.Anima),
    "flux": (comfy.supported_models.Flux, FLUX, comfy.model_base.Flux),
    "flux2": (comfy.supported_models.Flux2, FLUX2, comfy.model_base.Flux2),
    "wan": (comfy.supported_models.WAN21_T2V, WAN, comfy.model_base.WAN21),
    "wan_i2v": (comfy.supported_models.WAN21_I2V, {**WAN, "in_dim": 36}, comfy.model_base.WAN21),
}


ENCODER = {
    "hidden_size": 64,
    "image_size": 28,
    "patch_size": 14,
    "intermediate_size": 128,
    "hidden_act": "gelu",
    "model_type": "clip_vision_model",
    "num_attention_heads": 4,
    "num_channels": 3,
    "num_hidden_layers": 3,
    "projection_dim": 32,
}


def clip_vision_of(config: Mapping[str, Any]) -> Any:
    """CLIP_VISION of these sizes, without weights."""
    try:
        return comfy.clip_vision.ClipVisionModel(dict(config))
    except TypeError:  # older hosts read a file
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "config.json"
            file.write_text(json.dumps(dict(config)), encoding="utf-8")
            return comfy.clip_vision.ClipVisionModel(file)


def small_vision(width: int) -> Any:
    """CLIP_VISION whose embeddings are `width` wide: a picture costs nothing, where ViT-L takes a processor 4 seconds."""
    clip_vision = clip_vision_of({**ENCODER, "projection_dim": width})
    network = seeded(clip_vision.model, 0.2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norm" in name:
                parameter.fill_(float(name.endswith("weight")))
    return clip_vision


def seeded(module: Any, spread: float = 0.05, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return module.eval()


def small_model(family: str, dtype: torch.dtype = torch.float32) -> Any:
    """MODEL."""
    settings, config, kind = FAMILIES[family]
    made = settings(dict(config))
    made.unet_config = {**config, **({"disable_unet_model_creation": True} if family == "anima" else {})}
    made.set_inference_dtype(dtype, None)
    base = kind(made, image_to_video=True) if family == "wan_i2v" else kind(made)
    if family == "anima":
        base.diffusion_model = _anima(config)
    seeded(base.diffusion_model.to(dtype))
    if dtype != torch.float32 and hasattr(base.diffusion_model, "patch_embedding"):
        base.diffusion_model.patch_embedding.float()  # as the host makes it
    return comfy.model_patcher.ModelPatcher(base, CPU, CPU)


def _anima(config: dict[str, Any]) -> Any:
    """The host's network, with a small text adapter in place of one that has the same size in every Anima."""
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    network: Any = comfy.ldm.anima.model.Anima.__new__(comfy.ldm.anima.model.Anima)
    comfy.ldm.anima.model.MiniTrainDIT.__init__(network, **config, **factory)
    network.llm_adapter = comfy.ldm.anima.model.LLMAdapter(32, 32, 32, num_layers=1, num_heads=2, **factory)
    return network


LLLITE = ("self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj", "cross_attn_q_proj", "mlp_layer1")


def lllite_shapes(channels: int = 3, width: int = 64, targets: tuple[str, ...] = LLLITE) -> dict[str, tuple[int, ...]]:
    """The header of an Anima LLLite file, as far as the host builds its network by it."""
    shapes: dict[str, tuple[int, ...]] = {
        "lllite_conditioning1.conv1.weight": (8, channels, 4, 4),
        "lllite_conditioning1.conv3.weight": (16, 8, 4, 4),
        "lllite_conditioning1.proj.weight": (8, 16, 1, 1),
        "lllite_conditioning1.resblocks.0.conv1.weight": (16, 16, 3, 3),
        "lllite_conditioning1.aspp.proj.0.weight": (16, 80, 1, 1),
    }
    for block in range(3):
        for target in targets:
            shapes[f"lllite_dit_blocks_{block}_{target}.down.weight"] = (8, width)
            shapes[f"lllite_dit_blocks_{block}_{target}.cond_to_film.weight"] = (16, 8)
    return shapes


def lllite(channels: int = 3, width: int = 64, targets: tuple[str, ...] = LLLITE) -> Any:
    header = {
        name: torch.empty(shape, device="meta") for name, shape in lllite_shapes(channels, width, targets).items()
    }
    metadata = {"lllite.inpaint_masked_input": "true"} if channels == 4 else {}
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    return comfy.ldm.anima.lllite.AnimaLLLite(header, metadata, **factory)


def uni3c(width: int = 48) -> Any:
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    return comfy.ldm.wan.uni3c.WanUni3CControlnet(
        conv_out_dim=48, dim=24, ffn_dim=48, num_heads=2, num_layers=2, time_embed_dim=width, out_proj_dim=width,
        mid_channels=16, **factory,
    )  # fmt: skip


def as_patch(module: Any, seed: int = 1) -> Any:
    """MODEL_PATCH of a network."""
    return comfy.model_patcher.ModelPatcher(seeded(module, 0.2, seed), CPU, CPU)


def small_patch(name: str, seed: int = 1) -> Any:
    """MODEL_PATCH of a kind, such as `qwen` or `qwen_inpaint`."""
    factory = {"device": "cpu", "dtype": torch.float32, "operations": OPERATIONS}
    if name.startswith("qwen"):
        extra = 4 if name.endswith("inpaint") else 0
        module: Any = nodes_model_patch.QwenImageBlockWiseControlNet(
            num_layers=3, dim=64, additional_in_dim=extra, **factory
        )
    elif name.startswith("anima"):
        module = lllite(4 if name.endswith("inpaint") else 3)
    elif name.startswith("uni3c"):
        module = uni3c()
    else:
        config = {
            "dim": 256,
            "n_heads": 4,
            "n_kv_heads": 4,
            "multiple_of": 32,
            "ffn_dim_multiplier": 0.5,
            "n_control_layers": 6,
        }
        if name == "z_image_refiner":
            config |= {"n_control_layers": 3, "additional_in_dim": 17, "refiner_control": True}
        module = comfy.ldm.lumina.controlnet.ZImage_Control(**config, **factory)
    return as_patch(module, seed)


def flux_control_net() -> Any:
    """CONTROL_NET of pixels for Flux, as XLabs' files are."""
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    config = {name: value for name, value in FLUX.items() if name != "image_model"}
    network = comfy.ldm.flux.controlnet.ControlNetFlux(**config, **factory)
    network.main_model_double = network.main_model_single = 2
    return comfy.controlnet.ControlNet(seeded(network, 0.1, 2), load_device=CPU, extra_conds=["y", "guidance"])
