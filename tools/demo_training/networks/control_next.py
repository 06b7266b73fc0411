"""The narrow ControlNeXt module, in the key layout of the SD1.5 training code (stem, two stages), a quarter as wide."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import silu

from ....models.controlnext.cross_normalization import CrossNormalization
from ....models.demo.codes import WIDTH
from .blocks import sinusoid

STEM, STAGES, TIME = (16, 32), ((32, 32, 4), (32, 64, 8)), 64
SINUSOID = 128
NORMALIZATION = CrossNormalization(pool_first=True, eps=1e-12)


class _TimeEmbedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(SINUSOID, TIME), nn.Linear(TIME, TIME)

    def forward(self, timesteps: torch.Tensor) -> torch.Tensor:
        return self.linear_2(silu(self.linear_1(sinusoid(timesteps, SINUSOID))))


class _Residual(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels_in, eps=1e-6)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.time_emb_proj = nn.Linear(TIME, channels_out)
        self.norm2 = nn.GroupNorm(groups, channels_out, eps=1e-6)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        same = channels_in == channels_out
        self.conv_shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        hidden = self.conv1(silu(self.norm1(x))) + self.time_emb_proj(silu(embedding))[:, :, None, None]
        return self.conv2(silu(self.norm2(hidden))) + self.conv_shortcut(x)


class _Down(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class ControlNeXt(nn.Module):
    """Control image [B,3,H,W] in 0..1 and timesteps [B] -> control map [B,64,H/8,W/8]."""

    def __init__(self) -> None:
        super().__init__()
        first, second = STEM
        self.time_embedding = _TimeEmbedding()
        layers: list[nn.Module] = []
        for channels_in, channels_out, stride in ((3, first, 2), (first, first, 1), (first, second, 1)):
            convolution = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
            layers += [convolution, nn.GroupNorm(2, channels_out), nn.ReLU()]
        self.embedding = nn.Sequential(*layers)
        self.down_res = nn.ModuleList(_Residual(*stage) for stage in STAGES)
        self.down_sample = nn.ModuleList(_Down(stage[1]) for stage in STAGES)
        width = STAGES[-1][1]
        self.mid_convs = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(width, width, 3, padding=1),
                    nn.ReLU(),
                    nn.GroupNorm(8, width),
                    nn.Conv2d(width, width, 3, padding=1),
                    nn.GroupNorm(8, width),
                ),
                nn.Conv2d(width, WIDTH, 1),
            ]
        )

    def forward(self, image: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        embedding, x = self.time_embedding(timesteps), self.embedding(image)
        for block, down in zip(self.down_res, self.down_sample, strict=True):
            x = down(block(x, embedding))
        return self.mid_convs[1](self.mid_convs[0](x) + x)


def add_by_cross_normalization(
    control: torch.Tensor, scale: float | torch.Tensor = 1.0
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The function that adds this map to the hidden state behind an input block, as the host's node does."""

    def add(hidden: torch.Tensor) -> torch.Tensor:
        return hidden + scale * NORMALIZATION(control, hidden)

    return add
