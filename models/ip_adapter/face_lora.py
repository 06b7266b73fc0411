"""The low-rank changes of the attention weights that FaceID files bring along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.lora
import torch

from .adapter import IPAdapter
from .unet_layers import CrossAttention

_PARTS = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out": "to_out.0"}


def with_face_lora(model: Any, adapter: IPAdapter, layers: tuple[CrossAttention, ...], strength: float) -> Any:
    """A clone of a MODEL with the file's low-rank changes; the model itself where there are none. The maths is the host's."""
    if not adapter.loras or strength == 0.0:
        return model
    patches = comfy.lora.load_lora(dict(_named(adapter.loras)), _targets(layers))
    clone = model.clone()
    clone.add_patches(patches, strength)
    return clone


def _named(loras: Mapping[str, torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    """'0.to_q_lora.down.weight' -> '0.to_q.lora_down.weight', as the host reads it."""
    return [
        (key.replace("_lora.down.", ".lora_down.").replace("_lora.up.", ".lora_up."), one) for key, one in loras.items()
    ]


def _targets(layers: tuple[CrossAttention, ...]) -> dict[str, str]:
    """What each low-rank change is for. Files count self- and cross-attentions alternately, in the order of `layers`."""
    return {
        f"{2 * index + cross}.{part}": f"diffusion_model.{layer.path}.attn{cross + 1}.{name}.weight"
        for index, layer in enumerate(layers)
        for cross in (0, 1)
        for part, name in _PARTS.items()
    }
