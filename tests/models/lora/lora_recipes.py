"""LoRAs for a model, under the names that different training tools write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.utils
import torch
from armature_pack.tests.generated.weights import random_weights

RANK = 4


def diffusers_layers(model: Any, part: str = ".to_q") -> dict[str, tuple[int, int]]:
    """diffusers' names of linear layers -> (out, in)."""
    names = comfy.utils.unet_to_diffusers({**model.model.model_config.unet_config})
    state = model.model.diffusion_model.state_dict()
    return {
        key.removesuffix(".weight"): tuple(state[ldm].shape)
        for key, ldm in names.items()
        if key.endswith(f"{part}.weight") and ldm in state
    }


def lora(layers: dict[str, tuple[int, int]], name: Callable[[str, str], str], seed: int = 3) -> dict[str, torch.Tensor]:
    """name: (layer, "up" or "down") -> the tensor's name. Equal numbers for equal layers, whatever they are called."""
    shapes = {}
    for layer, (out, width) in layers.items():
        shapes[f"{layer} up"], shapes[f"{layer} down"] = (out, RANK), (RANK, width)
    values = random_weights(shapes, seed, "float32")
    return {name(*key.rsplit(" ", 1)): value for key, value in values.items()}


def kohya(layer: str, side: str) -> str:
    return f"lora_unet_{layer.replace('.', '_')}.lora_{side}.weight"


def peft(layer: str, side: str) -> str:
    return f"unet.{layer}.lora_{'B' if side == 'up' else 'A'}.weight"


def peft_wrapped(layer: str, side: str) -> str:
    return f"base_model.model.unet.{layer}.lora_{'B' if side == 'up' else 'A'}.default.weight"


def peft_bare(layer: str, side: str) -> str:
    return f"base_model.model.{layer}.lora_{'B' if side == 'up' else 'A'}.weight"


def processor(layer: str, side: str) -> str:
    stem, _, part = layer.rpartition(".")
    return f"unet.{stem}.processor.{part}_lora.{side}.weight"


def text(side: str, layer: int) -> str:
    return f"lora_te_text_model_encoder_layers_{layer}_self_attn_q_proj.lora_{side}.weight"


def text_lora(seed: int = 4) -> dict[str, torch.Tensor]:
    """For four layers of CLIP-L."""
    shapes = {text("up", i): (768, RANK) for i in range(4)} | {text("down", i): (RANK, 768) for i in range(4)}
    return random_weights(shapes, seed, "float32")
