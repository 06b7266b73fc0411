"""The seeded recipes of tests/fixtures/controlnext/README.md: weights, inputs and small UNets of the host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import comfy.ops
import comfy.supported_models
import comfy.utils
import torch
from armature_pack.models.controlnext.key_map import to_ldm
from armature_pack.models.controlnext.layouts import Layout
from armature_pack.models.controlnext.loading import control_from_state_dict
from armature_pack.models.controlnext.variants import VARIANTS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "controlnext"
BY_NAME = {variant.name: variant for variant in VARIANTS}
OPERATIONS = comfy.ops.manual_cast


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / name).read_text())


def error_against(tensor: torch.Tensor, reference: dict[str, Any]) -> float:
    """Largest difference to the values that a fixture holds of a tensor."""
    assert list(tensor.shape) == reference["shape"]
    flat = tensor.flatten()
    return max(
        float((flat[:8] - torch.tensor(reference["first8"])).abs().max()),
        float((flat[reference["strided16_index"]] - torch.tensor(reference["strided16"])).abs().max()),
        abs(float(flat.double().mean()) - reference["mean"]),
        abs(float(flat.double().std()) - reference["std_unbiased"]),
    )


def control_weights(layout: Layout, seed: int = 1234) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    weights = {}
    for key, shape in sorted(layout.shapes().items()):
        if key == "scale":
            weights[key] = torch.tensor(1.0)
            continue
        value = torch.randn(shape)
        weights[key] = 1 + 0.1 * value if value.ndim == 1 and key.endswith(".weight") else 0.05 * value
    return weights


def control(variant: str, setting: str = "auto", seed: int = 1234, form: Any = "code") -> Any:
    return control_from_state_dict(
        control_weights(BY_NAME[variant].layout, seed), f"{variant}.safetensors", setting, form
    )


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
_UNETS: dict[str, tuple[str, dict[str, Any]]] = {
    "sd15": ("SD15", {"channel_mult": [1, 1, 1, 4], "num_heads": 8}),
    "sd15_training": ("SD15", {"channel_mult": [1, 1, 1, 1], "num_heads": 8}),
    "sdxl": ("SDXL", _SDXL),
    "svd": ("SVD_img2vid", {**_SVD, "channel_mult": [1, 1, 1, 4]}),
    "svd_v2": ("SVD_img2vid", {**_SVD, "channel_mult": [1, 1, 1, 1]}),
    # Smaller still, for tests that do not compare with a fixture: two levels.
    "small_sd15": ("SD15", {**_TWO_LEVELS, "channel_mult": [1, 1], "num_heads": 8}),
    "small_svd_v2": ("SVD_img2vid", {**_SVD, **_TWO_LEVELS, "channel_mult": [1, 1]}),
    "small_svd": ("SVD_img2vid", {**_SVD, **_TWO_LEVELS, "channel_mult": [1, 4]}),
}


def unet_config(name: str) -> dict[str, Any]:
    return {**_COMMON, **_UNETS[name][1]}


def diffusers_names(model: Any) -> dict[str, str]:
    """Diffusers key -> LDM key for every weight of a model's UNet."""
    config = model.model_config.unet_config
    ldm_names = model.diffusion_model.state_dict().keys()
    is_video = config.get("use_temporal_resblock")
    keys = set(
        fixture("controlnext_svd_unet_diffusers_to_ldm.json") if is_video else comfy.utils.unet_to_diffusers(config)
    )
    # The small networks change their width on another level than the full one, and need a shortcut there.
    blocks = {key.split("norm1.weight")[0] for key in keys if key.endswith("norm1.weight") and "res_block" in key}
    keys |= {f"{block}conv_shortcut.{leaf}" for block in blocks for leaf in ("weight", "bias")}
    pairs = {key: to_ldm(key, config, ldm_names) for key in keys if not key.startswith("class_embedding.")}
    found = {key: ldm for key, ldm in pairs.items() if ldm is not None and ldm in ldm_names}
    assert sorted(found.values()) == sorted(ldm_names)
    return found


def host_model(name: str, seed: int = 5) -> Any:
    """A small UNet of the host (comfy.model_base.BaseModel) with seeded weights."""
    family = getattr(comfy.supported_models, _UNETS[name][0])
    config = family(unet_config(name))
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, device="cpu")
    torch.manual_seed(seed)
    state = model.diffusion_model.state_dict()
    for key, ldm in sorted(diffusers_names(model).items()):
        shape = state[ldm].shape
        value = torch.randn(shape)
        if len(shape) == 1 and key.endswith(".weight"):
            value = 1 + 0.1 * value
        elif len(shape) <= 1:
            value = 0.1 * value
        else:
            value = value / (value[0].numel() ** 0.5)
        state[ldm].copy_(value)
    return model
