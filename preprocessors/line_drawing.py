"""The generator of informative drawings (Chan, Durand and Isola 2022), in the layout of its weights; works on batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .network import fill

STRIDE = 4
BYTES_PER_PIXEL = 1600
_WIDTH, _RESIDUALS = 64, 3


class Residual(nn.Module):
    """Two convolutions around which the picture goes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
        self.conv_block = nn.Sequential(*half, nn.ReLU(inplace=True), *again)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of both ways."""
        return values + self.conv_block(values)


class LineDrawing(nn.Module):
    """RGB pictures [B,3,H,W] in 0..1, sides multiples of 4, to drawings [B,1,H,W]: black lines on white."""

    def __init__(self) -> None:
        super().__init__()
        wide, wider = 2 * _WIDTH, 4 * _WIDTH
        self.model0 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, _WIDTH, 7), *_normed(_WIDTH))
        self.model1 = nn.Sequential(
            nn.Conv2d(_WIDTH, wide, 3, 2, 1), *_normed(wide), nn.Conv2d(wide, wider, 3, 2, 1), *_normed(wider)
        )
        self.model2 = nn.Sequential(*(Residual(wider) for _ in range(_RESIDUALS)))
        self.model3 = nn.Sequential(
            nn.ConvTranspose2d(wider, wide, 3, 2, 1, 1),
            *_normed(wide),
            nn.ConvTranspose2d(wide, _WIDTH, 3, 2, 1, 1),
            *_normed(_WIDTH),
        )
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(_WIDTH, 1, 7), nn.Sigmoid())

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """One part after the other."""
        for part in (self.model0, self.model1, self.model2, self.model3, self.model4):
            values = part(values)
        return values


def build_line_drawing(weights: dict[str, Any]) -> nn.Module:
    """The generator with the weights of a state dict."""
    return fill(LineDrawing(), weights)


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)
