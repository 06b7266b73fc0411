"""Names and shapes of diffusion transformers with few blocks at full width, from the host's own classes."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from armature_pack.tests.models.files.networks import Shapes, shapes_of

_TRANSFORMERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "flux": (
        "comfy.ldm.flux.model",
        "Flux",
        {
            "image_model": "flux",
            "in_channels": 16,
            "out_channels": 16,
            "vec_in_dim": 768,
            "context_in_dim": 4096,
            "hidden_size": 3072,
            "mlp_ratio": 4.0,
            "num_heads": 24,
            "depth": 2,
            "depth_single_blocks": 2,
            "axes_dim": [16, 56, 56],
            "theta": 10000,
            "txt_ids_dims": [],
            "patch_size": 2,
            "qkv_bias": True,
            "guidance_embed": True,
        },
    ),
    "qwen_image": ("comfy.ldm.qwen_image.model", "QwenImageTransformer2DModel", {"num_layers": 2}),
    "wan": (
        "comfy.ldm.wan.model",
        "WanModel",
        {"model_type": "t2v", "dim": 1536, "ffn_dim": 8960, "num_heads": 12, "num_layers": 2},
    ),
    "z_image": (
        "comfy.ldm.lumina.model",
        "NextDiT",
        {
            "in_channels": 16,
            "dim": 3840,
            "n_layers": 2,
            "n_heads": 30,
            "n_kv_heads": 30,
            "axes_dims": [32, 48, 48],
            "ffn_dim_multiplier": 8 / 3,
            "qk_norm": True,
            "cap_feat_dim": 2560,
            "z_image_modulation": True,
        },
    ),
}
_TRANSFORMERS["anima"] = (
    "comfy.ldm.anima.model",
    "Anima",
    {
        "max_img_h": 240,
        "max_img_w": 240,
        "max_frames": 128,
        "in_channels": 16,
        "out_channels": 16,
        "patch_spatial": 2,
        "patch_temporal": 1,
        "concat_padding_mask": True,
        "model_channels": 2048,
        "num_blocks": 2,
        "num_heads": 16,
        "crossattn_emb_channels": 1024,
        "pos_emb_cls": "rope3d",
        "use_adaln_lora": True,
        "adaln_lora_dim": 256,
    },
)
_SD3 = {
    "in_channels": 16,
    "depth": 24,
    "num_blocks": 2,
    "adm_in_channels": 2048,
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 1536}},
    "pos_embed_max_size": 192,
    "num_patches": 36864,
}
_MMDIT = ("comfy.ldm.modules.diffusionmodules.mmdit", "OpenAISignatureMMDITWrapper")
_TRANSFORMERS["sd3"] = (*_MMDIT, _SD3)
_TRANSFORMERS["sd35_medium"] = (*_MMDIT, {**_SD3, "qk_norm": "rms", "x_block_self_attn_layers": [0, 1]})


@cache
def transformer(family: str) -> Shapes:
    """A diffusion transformer with few blocks, from the host's own class."""
    import comfy.ops
    import torch

    module, name, settings = _TRANSFORMERS[family]
    network = getattr(importlib.import_module(module), name)
    common = {"device": torch.device("meta"), "operations": comfy.ops.disable_weight_init, "dtype": torch.float16}
    return shapes_of(network(**settings, **common))
