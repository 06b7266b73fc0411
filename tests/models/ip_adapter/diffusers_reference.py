"""The same networks in the libraries diffusers and transformers, with the same weights, run on the same inputs."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.utils
import torch
from comfy.patcher_extension import WrappersMP
from ip_adapter_recipes import ENCODER, UNETS, encoder_weights


def diffusers_unet(family: str, model: Any) -> Any:
    """UNet2DConditionModel with the weights of a host MODEL."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    # An earlier test may have left a LoRA in the weights: the host takes it out when it needs the model again.
    comfy.model_management.unload_all_models()
    config = UNETS[family][1]
    channels = [config["model_channels"] * factor for factor in config["channel_mult"]]
    common: dict[str, Any] = {
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": channels,
        "layers_per_block": 2,
        "cross_attention_dim": config["context_dim"],
    }
    if family == "sdxl":
        unet = UNet2DConditionModel(
            **common,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            **_sdxl_attention(channels),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=config["adm_in_channels"],
        )
    else:
        unet = UNet2DConditionModel(**common, attention_head_dim=8)
    names = comfy.utils.unet_to_diffusers({**model.model.model_config.unet_config})
    state = model.model.diffusion_model.state_dict()
    unet.load_state_dict({key: state[names[key]] for key in unet.state_dict()})
    return unet.eval()


def _sdxl_attention(channels: list[int]) -> dict[str, Any]:
    return {
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": [width // 64 for width in channels],
    }


def load_adapter(unet: Any, weights: dict[str, torch.Tensor]) -> None:
    """Put an IP-Adapter's weights into the UNet."""
    parts: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in weights.items():
        part, _, name = key.partition(".")
        if "_lora." not in name:
            parts[part][name] = value
    unet._load_ip_adapter_weights([parts], low_cpu_mem_usage=False)


def set_scale(unet: Any, scale: float) -> None:
    """How strongly the IP-Adapter acts in all layers of the UNet."""
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [scale]


def image_features(pictures: torch.Tensor, layout: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(features, those of no picture) as diffusers' pipelines make them: [N,W] or [N,T,W]; pictures: [N,H,W,3]."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = {key: value for key, value in ENCODER.items() if key != "model_type"}
    network = CLIPVisionModelWithProjection(CLIPVisionConfig(**config)).eval()
    weights = encoder_weights()
    own = network.state_dict()
    names = {key: key if key in weights else f"vision_model.{key}" for key in own}
    network.load_state_dict({key: weights[names[key]] for key in own if names[key] in weights}, strict=False)
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    pixels = (pictures.movedim(-1, 1) - mean) / std
    if layout == "base":
        embeds = network(pixels).image_embeds
        return embeds, torch.zeros_like(embeds)
    seen = network(pixels, output_hidden_states=True).hidden_states[-2]
    return seen, network(torch.zeros_like(pixels), output_hidden_states=True).hidden_states[-2]


class Recorder:
    """Keeps what the UNet of a MODEL got and gave in every call."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def watch(self, model: Any) -> Any:
        clone = model.clone()
        clone.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "recorder", self)
        return clone

    def __call__(
        self, executor: Any, x: Any, t: Any, context: Any, y: Any, control: Any, options: Any, **rest: Any
    ) -> Any:
        out = executor(x, t, context, y, control, options, **rest)
        halves = list(options["cond_or_uncond"])
        self.calls.append({"x": x, "t": t, "context": context, "y": y, "halves": halves, "out": out})
        return out


def by_diffusers(unet: Any, call: dict[str, Any], positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """The UNet's output for a recorded call; positive, negative: [images,...] features of one picture of the batch."""
    pictures = call["x"].shape[0] // len(call["halves"])
    rows = [positive if half == 0 else negative for half in call["halves"] for _ in range(pictures)]
    added: dict[str, Any] = {"image_embeds": [torch.stack(rows)]}
    if call["y"] is not None:
        # diffusers makes the embedding of the sizes itself, so their numbers are given back to it.
        added["text_embeds"] = call["y"][:, :1280]
        added["time_ids"] = torch.tensor([[128.0, 128.0, 0.0, 0.0, 128.0, 128.0]]).repeat(call["x"].shape[0], 1)
    return unet(call["x"], call["t"], call["context"], added_cond_kwargs=added).sample
