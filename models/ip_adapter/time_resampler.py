"""A resampler whose tokens follow the timestep (InstantX' IP-Adapter for Stable Diffusion 3.5)."""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from comfy.ops import cast_to_input
from torch import nn

from .projections import Resampler


class _TimeEmbedding(nn.Module):
    """Frequencies of the timestep [N,F] -> embedding [N,D]."""

    def __init__(self, frequencies: int, width: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.linear_1 = operations.Linear(frequencies, width, **factory)
        self.linear_2 = operations.Linear(width, width, **factory)

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        return self.linear_2(nn.functional.silu(self.linear_1(waves)))


class TimeResampler(Resampler):
    """Features [N,T,W] at a timestep -> tokens [N,Q,C] and the timestep's embedding [N,D].

    As `Resampler`, with the features shifted by the embedding, and the latents scaled and shifted by it in each layer: before
    the attention and before the perceptron (diffusers, `IPAdapterTimeImageProjection`).
    """

    def __init__(self, frequencies: int, width: int, operations: Any, **sizes: Any) -> None:
        super().__init__(width=width, operations=operations, **sizes)
        factory = {name: sizes.get(name) for name in ("dtype", "device")}
        self.frequencies = frequencies
        self.time_embedding = _TimeEmbedding(frequencies, width, operations, **factory)
        for layer in self.layers:
            layer.append(nn.Sequential(nn.SiLU(), operations.Linear(width, 4 * width, **factory)))  # type: ignore[union-attr]

    def forward(self, image: torch.Tensor, timestep: float = 0.0) -> Any:
        """timestep: on the network's own scale, 0 to 1000."""
        moments = torch.full(image.shape[:1], timestep, device=image.device)
        time = self.time_embedding(timestep_embedding(moments, self.frequencies).to(image.dtype))
        features = self.proj_in(image) + time.unsqueeze(1)
        latents = cast_to_input(self.latents, features).expand(features.shape[0], -1, -1)
        for layer in self.layers:
            attention, feed_forward, modulation = layer  # type: ignore[misc]  # a ModuleList of three
            shift, scale, shift_after, scale_after = modulation(time).unsqueeze(1).chunk(4, dim=-1)
            latents = attention(features, latents, scale, shift) + latents
            norm, perceptron = feed_forward[0], feed_forward[1:]
            latents = perceptron(norm(latents) * (1 + scale_after) + shift_after) + latents
        return self.norm_out(self.proj_out(latents)), time
