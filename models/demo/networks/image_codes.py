"""The image encoder that the demo's IP-Adapter reads: built from a seed, not trained; its embedding follows the colours.

A ViT in the CLIP vision layout, 64 wide: a patch becomes its mean colour, a random layer makes features of each patch's
colour, attention that looks everywhere alike averages them. `widening/image_encoder.py` writes it as a ViT-L file.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

WIDTH, INNER, EMBEDDING, LAYERS, PATCHES = 64, 256, 256, 3, 256
CONFIGURATION: dict[str, Any] = {
    "hidden_act": "quick_gelu",
    "hidden_size": WIDTH,
    "image_size": 224,
    "intermediate_size": INNER,
    "model_type": "clip_vision_model",
    "num_attention_heads": 4,
    "num_channels": 3,
    "num_hidden_layers": LAYERS,
    "patch_size": 14,
    "projection_dim": EMBEDDING,
}


def weights() -> dict[str, torch.Tensor]:
    """The state dict, from a seed; uniform numbers, which are the same everywhere."""
    generator = torch.Generator().manual_seed(21)

    def dice(*shape: int) -> torch.Tensor:
        return (torch.rand(*shape, generator=generator) * 2 - 1) * 3**0.5

    start = "vision_model.embeddings."
    colours = (dice(WIDTH, 3) / 196)[:, :, None, None].expand(WIDTH, 3, 14, 14)
    # The same offset at every patch keeps the first norm from erasing how bright a colour is.
    table: dict[str, torch.Tensor] = {
        f"{start}class_embedding": dice(WIDTH),
        f"{start}patch_embedding.weight": colours.contiguous(),
        f"{start}position_embedding.weight": torch.cat(
            (torch.zeros(1, WIDTH), (dice(WIDTH) * 1.5).expand(PATCHES, -1))
        ),
    }
    for name in ("pre_layrnorm", "post_layernorm"):
        table |= _norm(f"vision_model.{name}")
    for layer in range(LAYERS):
        table |= _layer(f"vision_model.encoder.layers.{layer}", layer, dice)
    return {**table, "visual_projection.weight": dice(EMBEDDING, WIDTH) / 8}


def _layer(name: str, number: int, dice: Any) -> dict[str, torch.Tensor]:
    zeros = torch.zeros(WIDTH)
    table = {**_norm(f"{name}.layer_norm1"), **_norm(f"{name}.layer_norm2")}
    for part in ("q_proj", "k_proj"):
        table |= {f"{name}.self_attn.{part}.weight": torch.zeros(WIDTH, WIDTH), f"{name}.self_attn.{part}.bias": zeros}
    for part, gain in (("v_proj", 1.0), ("out_proj", 1.5 if number else 0.0)):
        table |= {
            f"{name}.self_attn.{part}.weight": gain * dice(WIDTH, WIDTH) / 8,
            f"{name}.self_attn.{part}.bias": zeros,
        }
    return table | {
        f"{name}.mlp.fc1.weight": dice(INNER, WIDTH) / 8 * 1.5,
        f"{name}.mlp.fc1.bias": dice(INNER),
        f"{name}.mlp.fc2.weight": dice(WIDTH, INNER) / 8,
        f"{name}.mlp.fc2.bias": zeros,
    }


def _norm(name: str) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": torch.ones(WIDTH), f"{name}.bias": torch.zeros(WIDTH)}


@cache
def _encoder() -> Any:
    from comfy.clip_vision import ClipVisionModel

    model = ClipVisionModel(CONFIGURATION)
    model.load_sd(weights())
    return model


def embed(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [B,3,H,W] in 0..1 -> embeddings [B,256], by the host's own encoder class."""
    parts = [_encoder().encode_image(some.movedim(1, -1))["image_embeds"].float() for some in pictures.split(32)]
    return torch.cat(parts)
