"""HED, holistically nested edges (Xie and Tu 2015), in the layout of ControlNet's own weights; works on batches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d, relu

from .network import fill

_BLOCKS = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))  # channels in and out, convolutions
STRIDE = 16
BYTES_PER_PIXEL = 1200  # measured: 64 channels twice, and the five sides


class Block(nn.Module):
    """Convolutions of one scale, and the edges that they see."""

    def __init__(self, channels_in: int, channels: int, depth: int) -> None:
        super().__init__()
        sizes = [channels_in, *[channels] * depth]
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(sizes))
        self.projection = nn.Conv2d(channels, 1, 1)

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(features, edges before the sigmoid)."""
        for conv in self.convs:
            values = relu(conv(values))
        return values, self.projection(values)


class HED(nn.Module):
    """RGB pictures [B,3,H,W] in 0..255, sides multiples of 16, to edges [B,1,H,W] in 0..1: the mean of five scales."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        for number, sizes in enumerate(_BLOCKS, start=1):
            self.add_module(f"block{number}", Block(*sizes))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the scales, each brought to full size."""
        size = values.shape[-2:]
        values, total = values - self.norm, torch.zeros((), device=values.device)
        for number in range(1, len(_BLOCKS) + 1):
            values = max_pool2d(values, 2) if number > 1 else values
            values, edges = self.get_submodule(f"block{number}")(values)
            total = total + interpolate(edges, size, mode="bilinear", align_corners=False)
        return torch.sigmoid(total / len(_BLOCKS))


def build_hed(weights: dict[str, Any]) -> nn.Module:
    """HED with the weights of a state dict."""
    return fill(HED(), weights)
