"""Seeded files, narrow UNets with all blocks of the full ones, and a tiny image encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.model_patcher
import comfy.sample
import comfy.supported_models
import comfy.utils
import torch
from armature_pack.models.ip_adapter.loading import adapter_from_state_dict
from armature_pack.tests.generated.weights import random_weights
from armature_pack.tests.latest import latest
from armature_pack.tests.packs.armature_test_models.networks import ENCODER, clip_vision_of

_COMMON: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "use_spatial_transformer": True,
    "legacy": False,
}
UNETS: dict[str, tuple[str, dict[str, Any]]] = {
    "sd15": (
        "SD15",
        {
            "model_channels": 32,
            "channel_mult": [1, 2, 4, 4],
            "num_res_blocks": [2, 2, 2, 2],
            "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
            "transformer_depth_output": [1] * 9 + [0] * 3,
            "transformer_depth_middle": 1,
            "context_dim": 768,
            "num_heads": 8,
        },
    ),
    # Of the same family with one block for each of three levels, where it matters that there are levels but not how many.
    "short": (
        "SD15",
        {
            "model_channels": 32,
            "channel_mult": [1, 2, 4],
            "num_res_blocks": [1, 1, 1],
            "transformer_depth": [1, 1, 0],
            "transformer_depth_output": [1, 1, 1, 1, 0, 0],
            "transformer_depth_middle": 1,
            "context_dim": 768,
            "num_heads": 8,
        },
    ),
    # Of the same family with one level only, for what takes long for each block.
    "tiny": (
        "SD15",
        {
            "model_channels": 32,
            "channel_mult": [1],
            "num_res_blocks": [1],
            "transformer_depth": [1],
            "transformer_depth_output": [1, 1],
            "transformer_depth_middle": 1,
            "context_dim": 768,
            "num_heads": 8,
        },
    ),
    "sdxl": (
        "SDXL",
        {
            "model_channels": 32,
            "channel_mult": [1, 2, 4],
            "num_res_blocks": [2, 2, 2],
            "transformer_depth": [0, 0, 2, 2, 10, 10],
            "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
            "transformer_depth_middle": 10,
            "context_dim": 2048,
            "num_head_channels": 64,
            "use_linear_in_transformer": True,
            "num_classes": "sequential",
            "adm_in_channels": 6 * 256 + 1280,
        },
    ),
}
CONTEXT = {"sd15": 768, "sdxl": 2048, "short": 768, "tiny": 768}
# Channels of the attention layers in a file's order: down, up, middle.
WIDTHS = {
    "sd15": [32, 32, 64, 64, 128, 128] + [128] * 3 + [64] * 3 + [32] * 3 + [128],
    "short": [32, 64, 64, 64, 32, 32, 128],
    "tiny": [32] * 4,
    "sdxl": [64] * 4 + [128] * 20 + [128] * 30 + [64] * 6 + [128] * 10,
}
PATCHES = 5


def family_of(name: str, dtype: torch.dtype = torch.float32) -> Any:
    kind, config = UNETS[name]
    family = getattr(comfy.supported_models, kind)({**_COMMON, **config})
    family.set_inference_dtype(dtype, None)
    return family


def narrow_model(name: str, dtype: torch.dtype = torch.float32, seed: int = 5) -> Any:
    """MODEL with seeded weights."""
    model = family_of(name, dtype).get_model({}, device="cpu")
    shapes = {key: tuple(value.shape) for key, value in model.diffusion_model.state_dict().items()}
    model.diffusion_model.load_state_dict(random_weights(shapes, seed, str(dtype).removeprefix("torch.")))
    return comfy.model_patcher.ModelPatcher(model, torch.device("cpu"), torch.device("cpu"))


def encoder_weights(seed: int = 9, config: Mapping[str, Any] = ENCODER) -> dict[str, torch.Tensor]:
    """Numbers that half precision holds exactly: the host keeps encoders in it."""
    model = clip_vision_of(config).model
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    return {key: value.float() for key, value in random_weights(shapes, seed, "float16").items()}


def tiny_encoder(**changes: Any) -> Any:
    """CLIP_VISION."""
    config = {**ENCODER, **changes}
    clip_vision = clip_vision_of(config)
    clip_vision.load_sd(encoder_weights(config=config))
    return clip_vision


def attention_shapes(widths: list[int], context: int) -> dict[str, tuple[int, ...]]:
    return {
        f"ip_adapter.{2 * i + 1}.to_{part}_ip.weight": (width, context)
        for i, width in enumerate(widths)
        for part in ("k", "v")
    }


def _perceiver(width: int, inner: int, features: int, out: int, prefix: str = "") -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        f"{prefix}proj_in.weight": (width, features),
        f"{prefix}proj_in.bias": (width,),
        f"{prefix}proj_out.weight": (out, width),
        f"{prefix}proj_out.bias": (out,),
        f"{prefix}norm_out.weight": (out,),
        f"{prefix}norm_out.bias": (out,),
    }
    for layer in range(4):
        block = f"{prefix}layers.{layer}"
        for norm in ("0.norm1", "0.norm2", "1.0"):
            shapes[f"{block}.{norm}.weight"] = shapes[f"{block}.{norm}.bias"] = (width,)
        shapes[f"{block}.0.to_q.weight"] = (inner, width)
        shapes[f"{block}.0.to_kv.weight"] = (2 * inner, width)
        shapes[f"{block}.0.to_out.weight"] = (width, inner)
        shapes[f"{block}.1.1.weight"] = (4 * width, width)
        shapes[f"{block}.1.3.weight"] = (width, 4 * width)
    return shapes


def _faces(width: int, tokens: int, faces: int = 512) -> dict[str, tuple[int, ...]]:
    return {
        "proj.0.weight": (2 * faces, faces),
        "proj.0.bias": (2 * faces,),
        "proj.2.weight": (width * tokens, 2 * faces),
        "proj.2.bias": (width * tokens,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }


def projection_shapes(layout: str, context: int) -> dict[str, tuple[int, ...]]:
    """Of the image projection in one layout, small where the layout leaves it free; names without `image_proj.`."""
    pooled, hidden = ENCODER["projection_dim"], ENCODER["hidden_size"]
    if layout == "base":
        return {
            "proj.weight": (4 * context, pooled),
            "proj.bias": (4 * context,),
            "norm.weight": (context,),
            "norm.bias": (context,),
        }
    if layout == "plus":
        return {"latents": (1, 6, 96), **_perceiver(96, 128, hidden, context)}
    if layout == "kolors":
        return {"latents": (1, 4, 2048), **_perceiver(2048, 64, hidden, context)}
    if layout == "full_face":
        return {
            "proj.0.weight": (hidden, hidden),
            "proj.0.bias": (hidden,),
            "proj.2.weight": (context, hidden),
            "proj.2.bias": (context,),
            "proj.3.weight": (context,),
            "proj.3.bias": (context,),
        }
    if layout in ("face_id", "portrait"):
        return _faces(context, 4 if layout == "face_id" else 16)
    if layout == "portrait_unnormalised":
        return {"latents": (1, 6, 96), **_perceiver(96, 128, 512, context)}
    if layout == "face_id_plus":
        return {**_faces(context, 4), **_perceiver(context, 128, hidden, context, "perceiver_resampler.")}
    raise KeyError(layout)


def lora_shapes(widths: list[int], context: int, rank: int = 4) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for index, width in enumerate(widths):
        for cross in (0, 1):
            for part in ("to_q", "to_k", "to_v", "to_out"):
                reads = context if cross and part in ("to_k", "to_v") else width
                name = f"ip_adapter.{2 * index + cross}.{part}_lora"
                shapes[f"{name}.down.weight"], shapes[f"{name}.up.weight"] = (rank, reads), (width, rank)
    return shapes


@latest(2)
def adapter_weights(layout: str, family: str, seed: int = 21) -> dict[str, torch.Tensor]:
    """State dict of an IP-Adapter file for a narrow UNet."""
    context = CONTEXT[family]
    shapes = {f"image_proj.{key}": shape for key, shape in projection_shapes(layout, context).items()}
    shapes |= attention_shapes(WIDTHS[family], context)
    if layout in ("face_id", "face_id_plus"):
        shapes |= lora_shapes(WIDTHS[family], context)
    return random_weights(shapes, seed, "float32")


def adapter(layout: str, family: str, seed: int = 21, **settings: Any) -> Any:
    """IP_ADAPTER."""
    return adapter_from_state_dict(adapter_weights(layout, family, seed), f"{layout}_{family}.safetensors", **settings)


def picture(seed: int = 3, count: int = 1, height: int = 28, width: int = 28) -> torch.Tensor:
    """IMAGE whose values are whole 255ths, so that no preprocessing rounds them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, height, width, 3), generator=generator).float() / 255


def prompt(seed: int, family: str, tokens: int = 7, **options: Any) -> Any:
    """CONDITIONING."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(1, tokens, CONTEXT[family], generator=generator)
    if family == "sdxl":
        options = {"pooled_output": torch.randn(1, 1280, generator=generator), "width": 128, "height": 128, **options}
    return [[text, options]]


def sampled(model: Any, family: str = "sd15", **changes: Any) -> torch.Tensor:
    """The latent after two steps of the host's sampler. Changes: positive, negative, cfg, steps, size, pictures, callback."""
    settings = {"cfg": 3.0, "steps": 2, "size": (8, 8), "pictures": 1, **changes}
    noise = torch.randn(settings["pictures"], 4, *settings["size"], generator=torch.Generator().manual_seed(0))
    return comfy.sample.sample(
        model,
        noise,
        settings["steps"],
        settings["cfg"],
        "euler",
        "normal",
        settings.get("positive") or prompt(1, family),
        settings.get("negative") or prompt(2, family),
        torch.zeros_like(noise),
        seed=1,
        disable_pbar=True,
        callback=settings.get("callback"),
    )
