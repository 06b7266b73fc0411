"""Names and shapes of whole networks, from the host's own classes on the meta device, or written down where it has none."""

from __future__ import annotations

from functools import cache
from typing import Any

from armature_pack.models.files.identity import Tensors

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
UNETS["svd"] = {
    **UNETS["sd2"],
    "in_channels": 8,
    "adm_in_channels": 768,
    "num_classes": "sequential",
    "use_temporal_attention": True,
    "use_temporal_resblock": True,
    "video_kernel_size": [3, 1, 1],
    "extra_ff_mix_layer": True,
    "use_spatial_context": True,
    "merge_strategy": "learned_with_images",
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


@cache
def diffusers_controlnet(family: str, types: int = 0) -> Shapes:
    """A ControlNet in the layout of diffusers, with its UNet half whole; a union where it has types."""
    import comfy.utils

    own = controlnet(family)
    names = comfy.utils.unet_to_diffusers(UNETS[family])
    shapes = {name: own[ldm] for name, ldm in names.items() if ldm in own}
    count = Tensors(own).count("zero_convs.{}.")
    shapes |= {f"controlnet_down_blocks.{n}.weight": own[f"zero_convs.{n}.0.weight"] for n in range(count)}
    shapes |= {f"controlnet_down_blocks.{n}.bias": own[f"zero_convs.{n}.0.bias"] for n in range(count)}
    shapes |= {"controlnet_mid_block.weight": own["middle_block_out.0.weight"]}
    shapes |= {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}
    if types:
        shapes |= {"control_add_embedding.linear_1.bias": (1280,), "task_embedding": (types, 320)}
    return shapes


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
    """A LoRA on every cross-attention of a UNet, named as kohya's code does, or as PEFT does in diffusers."""
    import comfy.utils

    names = {own: name for name, own in comfy.utils.unet_to_diffusers(UNETS[family]).items()}
    shapes: Shapes = {}
    for name, shape in unet(family).items():
        if not name.endswith(".weight") or ".attn2.to_" not in name or len(shape) != 2:
            continue
        stem = (names[name] if diffusers else name).removesuffix(".weight")
        key = f"unet.{stem}" if diffusers else "lora_unet_" + stem.replace(".", "_")
        down, up = ("lora_A", "lora_B") if diffusers else ("lora_down", "lora_up")
        shapes[f"{key}.{down}.weight"] = (rank, shape[1])
        shapes[f"{key}.{up}.weight"] = (shape[0], rank)
        if not diffusers:
            shapes[f"{key}.alpha"] = ()
    return shapes


def attentions(family: str) -> int:
    """How many layers such a LoRA has."""
    return sum(".attn2.to_" in name and name.endswith(".weight") for name in unet(family))


def ip_adapter(family: str = "sd15", layout: str = "plus", encoder: str = "vit_h") -> Shapes:
    """The names that an IP-Adapter is told by."""
    hidden = {"vit_h": 1280, "vit_bigg": 1664, "vit_l_336": 1024}[encoder]
    embedding = {"vit_h": 1024, "vit_bigg": 1280, "vit_l_336": 768}[encoder]
    attention = {
        "ip_adapter.1.to_k_ip.weight": (320, CONTEXT[family]),
        "ip_adapter.1.to_v_ip.weight": (320, CONTEXT[family]),
    }
    lora: Shapes = {"ip_adapter.0.to_q_lora.down.weight": (128, 320)}
    face: Shapes = {"proj.0.weight": (1024, 512), "proj.2.weight": (12288, 1024), "norm.weight": (768,)}
    resampler: Shapes = {"latents": (1, 16, 768), "layers.0.0.to_kv.weight": (1536, 768)}
    projections: dict[str, Shapes] = {
        "base": {"proj.weight": (3072, embedding), "norm.weight": (768,)},
        "plus": {**resampler, "proj_in.weight": (768, hidden)},
        "kolors": {**resampler, "latents": (1, 16, 2048), "proj_in.weight": (2048, hidden)},
        "full_face": {"proj.0.weight": (1280, hidden), "proj.2.weight": (768, 1280), "proj.3.weight": (768,)},
        "face_id": face,
        "face_id_plus": {**face, "perceiver_resampler.proj_in.weight": (768, hidden)},
        "kolors_face_id": {
            "perceiver_resampler.proj_in.weight": (768, hidden),
            "perceiver_resampler.layers.0.0.to_out.weight": (4096, 4096),
        },
        "portrait": face,
        "portrait_unnormalised": {**resampler, "proj_in.weight": (768, 512)},
    }
    with_lora = lora if layout in ("face_id", "face_id_plus") else {}
    return {**under("image_proj.", projections[layout]), **attention, **with_lora}


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
