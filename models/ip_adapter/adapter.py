"""A loaded IP-Adapter: its weights under the host's memory management, and what is known about its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import comfy.model_management
import torch
from torch import nn

from ..files.layouts.ip_adapter import ATTENTION, FAMILY_TITLES, Layout


class KeyValue(nn.Module):
    """The two projections of one attention layer: tokens [N,T,C] -> keys and values [N,T,D]."""

    def __init__(self, width: int, out: int, bias: bool, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.to_k_ip = operations.Linear(width, out, bias=bias, **factory)
        self.to_v_ip = operations.Linear(width, out, bias=bias, **factory)

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.to_k_ip(tokens), self.to_v_ip(tokens)


class IPAdapterModule(nn.Module):
    """Image projection and the keys' and values' projections of every attention layer, in the file's order."""

    def __init__(self, projection: nn.Module, layers: list[KeyValue]) -> None:
        super().__init__()
        self.image_proj = projection
        self.layers = nn.ModuleList(layers)


@dataclass(frozen=True, eq=False)
class IPAdapter:
    """What Load IP-Adapter gives. layer_shapes: (tokens' width, out) of each attention layer in the file's order.

    numbers: what the file calls these layers. loras: the low-rank changes that a FaceID file brings along, by the file's
    names.
    """

    file_name: str
    layout: Layout
    variant: str
    family: str
    feature_width: int
    encoder: str
    numbers: tuple[int, ...]
    layer_shapes: tuple[tuple[int, int], ...]
    module: IPAdapterModule
    patcher: Any
    loras: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """'IP-Adapter Plus for SDXL' for a person."""
        if self.layout.name.startswith("kolors"):
            return self.layout.title
        return f"{self.layout.title} for {FAMILY_TITLES.get(self.family, 'an unknown family')}"

    @property
    def who(self) -> str:
        """How messages name it."""
        return f"The IP-Adapter '{self.file_name}' ({self.title})"

    def tokens(self, *features: torch.Tensor, **settings: Any) -> torch.Tensor:
        """Tokens [N,T,C] in float32, on the host's intermediate device, of the features that the layout reads."""
        management = comfy.model_management
        management.load_models_gpu([self.patcher])
        with torch.inference_mode():
            given = (one.to(device=self.patcher.load_device, dtype=torch.float32) for one in features)
            made = self.module.image_proj(*given, **settings)
        # Out of inference mode: the sampler may run without it, and such a tensor could not be used there.
        return made.to(management.intermediate_device()).clone()

    def key_value(self, layer: int, *tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [N,T,D] of the file's layer with this index; tokens: what `tokens_at` gives, or tokens alone."""
        return self.module.layers[layer](*tokens)

    def tokens_at(self, features: torch.Tensor, timestep: float) -> tuple[torch.Tensor, torch.Tensor]:
        """For layouts that follow the timestep: tokens [N,T,C] and its embedding [N,D], in float32, where the features are."""
        return self.module.image_proj(features, timestep)

    def own(self, layer: int, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The picture's own queries and keys [B,N,D] as the file's layer reads them (see `joint_layer`)."""
        return self.module.layers[layer].own(query, key)  # type: ignore[operator]


def attention_key(number: int, part: str, kind: str = "weight") -> str:
    """Name of a tensor of the attention layers in a file."""
    return f"{ATTENTION}{number}.{part}.{kind}"
