"""The building blocks of the narrow UNet, under the key names of the original (LDM) code.

Residual and transformer blocks as in SD1.5: https://github.com/CompVis/latent-diffusion, ldm/modules.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import gelu, interpolate

from ....models.demo.codes import GROUPS, HEADS, TIME, WIDTH


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Attention over HEADS heads; q [B,N,C], k and v [B,M,C], bias [M] added to the scores."""
    batch, length, width = q.shape
    size = width // HEADS

    def split(x: torch.Tensor) -> torch.Tensor:
        return x.view(batch, -1, HEADS, size).transpose(1, 2).reshape(batch * HEADS, -1, size)

    scores = torch.bmm(split(q) * size**-0.5, split(k).transpose(1, 2))
    mixed = torch.bmm((scores if bias is None else scores + bias).softmax(-1), split(v))
    return mixed.view(batch, HEADS, length, size).transpose(1, 2).reshape(batch, length, width)


def sinusoid(timesteps: torch.Tensor, width: int) -> torch.Tensor:
    """[B] -> [B,width], cosines first, periods from 2 pi to 10,000 times that."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=timesteps.device) / half)
    turns = timesteps.float()[:, None] * rates
    return torch.cat((turns.cos(), turns.sin()), -1)


class ResBlock(nn.Module):
    """Two convolutions with the timestep's embedding between them."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, channels_in), nn.SiLU(), nn.Conv2d(channels_in, WIDTH, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(TIME, WIDTH))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, WIDTH), nn.SiLU(), nn.Identity(), nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        )
        nn.init.zeros_(self.out_layers[3].weight)  # type: ignore[arg-type]
        same = channels_in == WIDTH
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels_in, WIDTH, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        hidden = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(hidden)


class Attention(nn.Module):
    """Keys and values from `source`. Holds what an IP-Adapter needs to add its own: the queries go through `attend`."""

    def __init__(self, context: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.to_k = nn.Linear(context, WIDTH, bias=False)
        self.to_v = nn.Linear(context, WIDTH, bias=False)
        self.to_out = nn.Sequential(nn.Linear(WIDTH, WIDTH))

    def forward(
        self,
        x: torch.Tensor,
        source: torch.Tensor,
        bias: torch.Tensor | None = None,
        added: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """added: keys and values [B,T,C] of an image prompt, attended to separately and added."""
        q = self.to_q(x)
        mixed = attend(q, self.to_k(source), self.to_v(source), bias)
        if added is not None:
            mixed = mixed + attend(q, *added)
        return self.to_out(mixed)


class GEGLU(nn.Module):
    """Half of a projection gates the other."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(WIDTH, 8 * WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * gelu(gate)


class FeedForward(nn.Module):
    """GEGLU and back to the width."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(GEGLU(), nn.Identity(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self attention, cross attention, feed-forward. Without self attention its weights count as zero."""

    def __init__(self, context: int, looks_around: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attn1 = Attention(WIDTH) if looks_around else None
        self.norm2 = nn.LayerNorm(WIDTH)
        self.attn2 = Attention(context)
        self.norm3 = nn.LayerNorm(WIDTH)
        self.ff = FeedForward()
        if not looks_around:
            self.norm1.requires_grad_(False)

    def forward(
        self, x: torch.Tensor, text: torch.Tensor, bias: torch.Tensor | None, added: tuple | None
    ) -> torch.Tensor:
        if self.attn1 is not None:
            normed = self.norm1(x)
            x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), text, bias, added)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block over the places of a picture, added to it."""

    def __init__(self, context: int, looks_around: bool) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, WIDTH, eps=1e-6)
        self.proj_in = nn.Conv2d(WIDTH, WIDTH, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(context, looks_around)])
        self.proj_out = nn.Conv2d(WIDTH, WIDTH, 1)
        nn.init.zeros_(self.proj_out.weight)

    def forward(
        self, x: torch.Tensor, text: torch.Tensor, bias: torch.Tensor | None, added: tuple | None
    ) -> torch.Tensor:
        height, width = x.shape[-2:]
        hidden = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        hidden = self.transformer_blocks[0](hidden, text, bias, added)
        return x + self.proj_out(hidden.transpose(1, 2).unflatten(2, (height, width)))


class Downsample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.op = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(interpolate(x, scale_factor=2.0, mode="nearest"))
