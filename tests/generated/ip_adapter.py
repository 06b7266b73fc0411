"""An IP-Adapter that fits a `UNet`, in the layout of the first published ones, and the image encoder that it reads."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from armature_pack.tests.generated.unet import UNet
from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

ENCODER_WIDTH = 768  # of the pooled embeddings of ViT-L
TOKENS = 4


@dataclass(frozen=True)
class IPAdapterBase:
    """A file for Load IP-Adapter, for every cross-attention of ``unet``."""

    unet: UNet
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import torch
        from armature_pack.models.ip_adapter.layers import cross_attentions
        from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

        config = self.unet.model_config().unet_config
        network = UNetModel(**config, device=torch.device("meta"))
        width = config["context_dim"]
        shapes: dict[str, tuple[int, ...]] = {
            "image_proj.proj.weight": (TOKENS * width, ENCODER_WIDTH),
            "image_proj.proj.bias": (TOKENS * width,),
            "image_proj.norm.weight": (width,),
            "image_proj.norm.bias": (width,),
        }
        for index, layer in enumerate(cross_attentions(SimpleNamespace(diffusion_model=network))):
            for part in ("k", "v"):
                shapes[f"ip_adapter.{2 * index + 1}.to_{part}_ip.weight"] = (layer.width, width)
        return random_weights(shapes, seed, self.dtype)


# The network's first layer, what stands before it and what stands behind the last are enough for an embedding that depends
# on the picture: a layer of zeros leaves what comes in as it is.
_KEPT = (
    "embeddings.",
    "encoder.layers.0.self_attn.",
    "encoder.layers.0.layer_norm1.",
    "layrnorm.",
    "layernorm.",
    "visual_proj",
)


@dataclass(frozen=True)
class ClipVisionL:
    """ViT-L/14 whose layers are zeros but for the first one's attention. What is zero takes no room on the disk."""

    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import comfy.clip_model
        import comfy.clip_vision
        import comfy.ops
        import torch

        sizes = Path(inspect.getfile(comfy.clip_vision)).with_name("clip_vision_config_vitl.json")
        network = comfy.clip_model.CLIPVisionModelProjection(
            json.loads(sizes.read_text(encoding="utf-8")),
            torch.float16,
            torch.device("meta"),
            comfy.ops.disable_weight_init,
        )
        shapes = shapes_of(network)
        kept = {name: shape for name, shape in shapes.items() if any(part in name for part in _KEPT)}
        zeros = {
            name: torch.zeros(shape, dtype=getattr(torch, self.dtype))
            for name, shape in shapes.items()
            if name not in kept
        }
        return {**random_weights(kept, seed, self.dtype), **zeros}
