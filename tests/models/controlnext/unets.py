"""UNets of the host: the fixtures' small ones, smaller ones still for quick tests, and the full-size ones."""

from __future__ import annotations

from typing import Any

import comfy.supported_models
import torch

_COMMON: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "use_spatial_transformer": True,
    "legacy": False,
    "context_dim": 64,
    "num_res_blocks": [2, 2, 2, 2],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "transformer_depth_middle": 1,
}
_SDXL = {
    "channel_mult": [1, 1, 1],
    "num_res_blocks": [2, 2, 2],
    "transformer_depth": [0, 0, 1, 1, 1, 1],
    "transformer_depth_output": [0, 0, 0, 1, 1, 1, 1, 1, 1],
    "num_head_channels": 64,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": 6 * 256 + 64,
}
_SVD = {
    "in_channels": 8,
    "num_head_channels": 64,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": 768,
    "use_temporal_attention": True,
    "use_temporal_resblock": True,
    "video_kernel_size": [3, 1, 1],
    "extra_ff_mix_layer": True,
    "use_spatial_context": True,
    "merge_strategy": "learned_with_images",
    "merge_factor": 0.0,
    "disable_temporal_crossattention": False,
}
_TWO_LEVELS = {
    "num_res_blocks": [2, 2],
    "transformer_depth": [1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 0, 0, 0],
}
_FULL_LEVELS = {"channel_mult": [1, 2, 4, 4]}
UNETS: dict[str, tuple[str, dict[str, Any]]] = {
    "sd15": ("SD15", {"channel_mult": [1, 1, 1, 4], "num_heads": 8}),
    "sd15_training": ("SD15", {"channel_mult": [1, 1, 1, 1], "num_heads": 8}),
    "sdxl": ("SDXL", _SDXL),
    "svd": ("SVD_img2vid", {**_SVD, "channel_mult": [1, 1, 1, 4]}),
    "svd_v2": ("SVD_img2vid", {**_SVD, "channel_mult": [1, 1, 1, 1]}),
    # As wide in the middle as the files of 2024 for SDXL need.
    "sdxl_wide": (
        "SDXL",
        {
            **_SDXL,
            "channel_mult": [1, 1, 4],
            "transformer_depth": [0, 0, 1, 1, 0, 0],
            "transformer_depth_output": [0, 0, 0, 1, 1, 1, 0, 0, 0],
        },
    ),
    # Smaller still: two levels, attention on the first.
    "small_sd15": ("SD15", {**_TWO_LEVELS, "channel_mult": [1, 1], "num_heads": 8}),
    "small_svd_v2": ("SVD_img2vid", {**_SVD, **_TWO_LEVELS, "channel_mult": [1, 1]}),
    # The sizes of the published checkpoints.
    "full_sd15": ("SD15", {**_FULL_LEVELS, "context_dim": 768, "num_heads": 8}),
    "full_sdxl": (
        "SDXL",
        {
            **_SDXL,
            "context_dim": 2048,
            "channel_mult": [1, 2, 4],
            "transformer_depth": [0, 0, 2, 2, 10, 10],
            "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
            "transformer_depth_middle": 10,
            "adm_in_channels": 2816,
        },
    ),
    "full_svd": ("SVD_img2vid", {**_SVD, **_FULL_LEVELS, "context_dim": 1024}),
}


def unet_config(name: str) -> dict[str, Any]:
    return {**_COMMON, **UNETS[name][1]}


def family_of(name: str, dtype: torch.dtype = torch.float32) -> Any:
    """The host's description of a model family, for one of the UNets."""
    family = getattr(comfy.supported_models, UNETS[name][0])(unet_config(name))
    family.set_inference_dtype(dtype, None)
    return family


def model_without_weights(name: str) -> Any:
    """comfy.model_base.BaseModel whose weights have shapes only."""
    return family_of(name).get_model({}, device="meta")
