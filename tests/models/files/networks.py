"""Names and shapes of whole networks, from the host's own classes on the meta device, or written down where it has none."""

from __future__ import annotations

from functools import cache
from typing import Any

Shapes = dict[str, tuple[int, ...]]

_UNET = {"image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 320, "use_spatial_transformer": True}
UNETS: dict[str, dict[str, Any]] = {
    "sd15": {
        **_UNET,
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "transformer_depth_middle": 1,
        "context_dim": 768,
        "num_heads": 8,
        "num_head_channels": -1,
    },
    "sdxl": {
        **_UNET,
        "num_res_blocks": [2, 2, 2],
        "channel_mult": [1, 2, 4],
        "transformer_depth": [0, 0, 2, 2, 10, 10],
        "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
        "transformer_depth_middle": 10,
        "context_dim": 2048,
        "use_linear_in_transformer": True,
        "adm_in_channels": 2816,
        "num_classes": "sequential",
        "num_head_channels": 64,
    },
}
UNETS["sd2"] = {
    **UNETS["sd15"],
    "context_dim": 1024,
    "use_linear_in_transformer": True,
    "num_heads": -1,
    "num_head_channels": 64,
}
UNETS["sdxl_refiner"] = {
    **_UNET,
    "model_channels": 384,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [0, 0, 4, 4, 4, 4, 0, 0],
    "transformer_depth_output": [0, 0, 0, 4, 4, 4, 4, 4, 4, 0, 0, 0],
    "transformer_depth_middle": 4,
    "context_dim": 1280,
    "use_linear_in_transformer": True,
    "adm_in_channels": 2560,
    "num_classes": "sequential",
    "num_head_channels": 64,
}


@cache
def unet(family: str) -> Shapes:
    """A UNet at full size under its own names."""
    import comfy.ops
    import torch
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    network = UNetModel(**UNETS[family], device=torch.device("meta"), operations=comfy.ops.disable_weight_init)
    return shapes_of(network)


def shapes_of(network: Any) -> Shapes:
    """Names and shapes of everything in a module."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def under(prefix: str, shapes: Shapes) -> Shapes:
    """The same names with a prefix."""
    return {prefix + name: shape for name, shape in shapes.items()}


@cache
def checkpoint(family: str) -> Shapes:
    """A checkpoint at full size; of VAE and text encoder only some names, which is all that a header is asked about."""
    text = "conditioner.embedders.0." if family.startswith("sdxl") else "cond_stage_model."
    return {
        **under("model.diffusion_model.", unet(family)),
        **under("first_stage_model.", vae(4)),
        text + "transformer.text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768),
    }


@cache
def controlnet(family: str) -> Shapes:
    """A ControlNet in the original layout."""
    import torch
    from comfy.cldm.cldm import ControlNet

    config = {key: value for key, value in UNETS[family].items() if key != "out_channels"}
    return shapes_of(ControlNet(**config, hint_channels=3, device=torch.device("meta")))


def union(family: str, types: int = 6) -> Shapes:
    """The names that a union ControlNet in the diffusers layout is told by."""
    return {
        "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
        "control_add_embedding.linear_1.bias": (1280,),
        "task_embedding": (types, 320),
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, CONTEXT[family]),
    }


CONTEXT = {"sd15": 768, "sd2": 1024, "sdxl_refiner": 1280, "sdxl": 2048}


def vae(channels: int) -> Shapes:
    """The names that a picture VAE is told by."""
    return {
        "encoder.conv_in.weight": (128, 3, 3, 3),
        "encoder.down.2.downsample.conv.weight": (512, 512, 3, 3),
        "decoder.conv_in.weight": (512, channels, 3, 3),
        "decoder.up.3.upsample.conv.weight": (512, 512, 3, 3),
        "decoder.conv_out.weight": (3, 128, 3, 3),
    }


WAN_VAE: Shapes = {
    "decoder.middle.0.residual.0.gamma": (384, 1, 1, 1),
    "decoder.head.0.gamma": (96, 1, 1, 1),
    "encoder.conv1.weight": (96, 3, 3, 3, 3),
    "decoder.head.2.weight": (3, 96, 3, 3, 3),
}


def lora(family: str, rank: int = 8, diffusers: bool = False) -> Shapes:
    """A LoRA on every cross-attention of a UNet, as kohya's code names the layers, or as PEFT does."""
    shapes: Shapes = {}
    for name, shape in unet(family).items():
        if not name.endswith(".weight") or ".attn2.to_" not in name or len(shape) != 2:
            continue
        stem = name.removesuffix(".weight")
        key = f"unet.{stem}" if diffusers else "lora_unet_" + stem.replace(".", "_")
        down, up = ("lora_A", "lora_B") if diffusers else ("lora_down", "lora_up")
        shapes[f"{key}.{down}.weight"] = (rank, shape[1])
        shapes[f"{key}.{up}.weight"] = (shape[0], rank)
        if not diffusers:
            shapes[f"{key}.alpha"] = ()
    return shapes


def ip_adapter(family: str = "sd15", layout: str = "plus", encoder: str = "vit_h") -> Shapes:
    """The names that an IP-Adapter is told by."""
    hidden = {"vit_h": 1280, "vit_bigg": 1664, "vit_l_336": 1024}[encoder]
    embedding = {"vit_h": 1024, "vit_bigg": 1280, "vit_l_336": 768}[encoder]
    attention = {
        "ip_adapter.1.to_k_ip.weight": (320, CONTEXT[family]),
        "ip_adapter.1.to_v_ip.weight": (320, CONTEXT[family]),
    }
    projections: dict[str, Shapes] = {
        "base": {"image_proj.proj.weight": (3072, embedding), "image_proj.norm.weight": (768,)},
        "plus": {"image_proj.latents": (1, 16, 768), "image_proj.proj_in.weight": (768, hidden)},
        "full_face": {"image_proj.proj.0.weight": (1280, hidden), "image_proj.proj.3.weight": (768,)},
        "faceid": {"image_proj.proj.0.weight": (1024, 512), "ip_adapter.0.to_q_lora.down.weight": (128, 320)},
        "faceid_plus": {
            "image_proj.perceiver_resampler.proj_in.weight": (768, hidden),
            "ip_adapter.0.to_q_lora.down.weight": (128, 320),
        },
        "portrait": {"image_proj.proj.0.weight": (1024, 512), "image_proj.proj.2.weight": (12288, 1024)},
    }
    return {**projections[layout], **attention}


def clip_vision(name: str) -> Shapes:
    """The names that an image encoder is told by, as the transformers library names them."""
    layers, width, projection, positions = {
        "vit_l": (24, 1024, 768, 257),
        "vit_l_336": (24, 1024, 768, 577),
        "vit_h": (32, 1280, 1024, 257),
        "vit_bigg": (48, 1664, 1280, 257),
        "siglip_384": (27, 1152, 0, 729),
    }[name]
    shapes: Shapes = {f"vision_model.encoder.layers.{number}.layer_norm1.weight": (width,) for number in range(layers)}
    shapes["vision_model.embeddings.position_embedding.weight"] = (positions, width)
    shapes["vision_model.embeddings.patch_embedding.weight"] = (width, 3, 14, 14)
    return shapes | ({"visual_projection.weight": (projection, width)} if projection else {})


CLIP_L: Shapes = {"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)}
CLIP_G: Shapes = {f"text_model.encoder.layers.{n}.mlp.fc1.weight": (5120, 1280) for n in range(32)}
T5: Shapes = {
    "encoder.block.23.layer.1.DenseReluDense.wi_1.weight": (10240, 4096),
    "shared.weight": (32128, 4096),
}


@cache
def transformer(family: str) -> Shapes:
    """A diffusion transformer with few blocks, from the host's own class."""
    import comfy.ops
    import torch

    common: dict[str, Any] = {
        "device": torch.device("meta"),
        "operations": comfy.ops.disable_weight_init,
        "dtype": torch.float16,
    }
    if family == "flux":
        from comfy.ldm.flux.model import Flux

        return shapes_of(
            Flux(
                image_model="flux",
                in_channels=16,
                out_channels=16,
                vec_in_dim=768,
                context_in_dim=4096,
                hidden_size=3072,
                mlp_ratio=4.0,
                num_heads=24,
                depth=2,
                depth_single_blocks=2,
                axes_dim=[16, 56, 56],
                theta=10000,
                txt_ids_dims=[],
                patch_size=2,
                qkv_bias=True,
                guidance_embed=True,
                **common,
            )
        )
    if family == "qwen_image":
        from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

        return shapes_of(QwenImageTransformer2DModel(num_layers=2, **common))
    if family == "wan":
        from comfy.ldm.wan.model import WanModel

        return shapes_of(WanModel(model_type="t2v", dim=1536, ffn_dim=8960, num_heads=12, num_layers=2, **common))
    raise ValueError(family)
