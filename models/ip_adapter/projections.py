"""Image projections: from an encoder's features to the tokens that the attention layers read.

Keys and shapes of the state dicts are those of the published files. `operations` are the host's layers, which cast their
weights to the input's device and dtype.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from comfy.ops import cast_to_input
from einops import rearrange
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

_HEAD_WIDTH = 64


class LinearProjection(nn.Module):
    """Pooled embedding [N,W] -> tokens [N,T,C]."""

    def __init__(self, features: int, width: int, tokens: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.tokens = tokens
        self.proj = operations.Linear(features, tokens * width, **factory)
        self.norm = operations.LayerNorm(width, **factory)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.norm(rearrange(self.proj(image), "n (t c) -> n t c", t=self.tokens))


class PatchProjection(nn.Module):
    """Hidden states [N,T,W] -> tokens [N,T,C], patch by patch."""

    def __init__(self, features: int, hidden: int, width: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            operations.Linear(features, hidden, **factory),
            nn.GELU(),
            operations.Linear(hidden, width, **factory),
            operations.LayerNorm(width, **factory),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.proj(image)


class FaceProjection(nn.Module):
    """Face embedding [N,F] -> tokens [N,T,C]."""

    def __init__(self, faces: int, hidden: int, width: int, tokens: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.tokens = tokens
        self.proj = nn.Sequential(
            operations.Linear(faces, hidden, **factory),
            nn.GELU(),
            operations.Linear(hidden, tokens * width, **factory),
        )
        self.norm = operations.LayerNorm(width, **factory)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        return self.norm(rearrange(self.proj(face), "n (t c) -> n t c", t=self.tokens))


class PerceiverAttention(nn.Module):
    """Latents [N,Q,D] attend to features [N,T,D] and to themselves."""

    def __init__(self, width: int, inner: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.heads = inner // _HEAD_WIDTH
        self.norm1 = operations.LayerNorm(width, **factory)
        self.norm2 = operations.LayerNorm(width, **factory)
        self.to_q = operations.Linear(width, inner, bias=False, **factory)
        self.to_kv = operations.Linear(width, 2 * inner, bias=False, **factory)
        self.to_out = operations.Linear(inner, width, bias=False, **factory)

    def forward(
        self, features: torch.Tensor, latents: torch.Tensor, scale: Any = 0.0, shift: Any = 0.0
    ) -> torch.Tensor:
        """scale, shift: of the latents behind their norm, numbers or [N,1,D]."""
        latents = self.norm2(latents) * (1 + scale) + shift
        key, value = self.to_kv(torch.cat([self.norm1(features), latents], dim=1)).chunk(2, dim=-1)
        query, key, value = (
            rearrange(part, "n t (heads d) -> n heads t d", heads=self.heads)
            for part in (self.to_q(latents), key, value)
        )
        attended = scaled_dot_product_attention(query, key, value)
        return self.to_out(rearrange(attended, "n heads t d -> n t (heads d)"))


def _perceiver_layers(
    depth: int, width: int, inner: int, hidden: int, operations: Any, **factory: Any
) -> nn.ModuleList:
    def feed_forward() -> nn.Module:
        return nn.Sequential(
            operations.LayerNorm(width, **factory),
            operations.Linear(width, hidden, bias=False, **factory),
            nn.GELU(),
            operations.Linear(hidden, width, bias=False, **factory),
        )

    return nn.ModuleList(
        nn.ModuleList([PerceiverAttention(width, inner, operations, **factory), feed_forward()]) for _ in range(depth)
    )


class Perceiver(nn.Module):
    """Latents [N,Q,D] read features [N,T,W] through several layers -> tokens [N,Q,C]."""

    def __init__(
        self,
        features: int,
        width: int,
        inner: int,
        hidden: int,
        out: int,
        depth: int,
        operations: Any,
        **factory: Any,
    ) -> None:
        super().__init__()
        self.proj_in = operations.Linear(features, width, **factory)
        self.proj_out = operations.Linear(width, out, **factory)
        self.norm_out = operations.LayerNorm(out, **factory)
        self.layers = _perceiver_layers(depth, width, inner, hidden, operations, **factory)

    def read(self, latents: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        features = self.proj_in(features)
        for layer in self.layers:
            attention, feed_forward = layer  # type: ignore[misc]  # a ModuleList of two
            latents = attention(features, latents) + latents
            latents = feed_forward(latents) + latents
        return self.norm_out(self.proj_out(latents))


class Resampler(Perceiver):
    """Features [N,T,W] (or [N,W]) -> tokens [N,Q,C], asked for by learned latents."""

    def __init__(self, queries: int, width: int, dtype: Any = None, device: Any = None, **sizes: Any) -> None:
        super().__init__(width=width, dtype=dtype, device=device, **sizes)
        self.latents = nn.Parameter(torch.empty(1, queries, width, dtype=dtype, device=device), requires_grad=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = image if image.ndim == 3 else image.unsqueeze(1)
        latents = cast_to_input(self.latents, features)
        return self.read(latents.expand(features.shape[0], -1, -1), features)


class FacePlusProjection(FaceProjection):
    """Face embedding [N,F] and hidden states [N,T,W] -> tokens [N,Q,C]."""

    def __init__(
        self,
        faces: int,
        hidden: int,
        width: int,
        tokens: int,
        features: int,
        inner: int,
        feed_forward: int,
        out: int,
        depth: int,
        operations: Any,
        **factory: Any,
    ) -> None:
        super().__init__(faces, hidden, width, tokens, operations, **factory)
        self.perceiver_resampler = Perceiver(
            features, width, inner, feed_forward, out, depth, operations=operations, **factory
        )

    def forward(self, face: torch.Tensor, image: torch.Tensor | None = None, shortcut: float | None = None) -> Any:
        """shortcut: None for version 1; for version 2 the factor of the patches beside the face's own tokens."""
        own = super().forward(face)
        if image is None:
            raise ValueError("FaceID Plus reads the patches of the face's picture as well.")
        read = self.perceiver_resampler.read(own, image)
        return read if shortcut is None else own + shortcut * read


# A resampler whose tokens follow the timestep (InstantX' IP-Adapter for Stable Diffusion 3.5).


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
