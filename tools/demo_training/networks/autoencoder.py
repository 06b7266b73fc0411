"""A narrow autoencoder in the layout of TAESD: 8 times smaller per side, 4 channels."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

ENCODER_WIDTH = 24
DECODER_WIDTHS = (64, 56, 32, 20)
LATENT_CHANNELS = 4
FACTOR = 8


def _conv(channels_in: int, channels_out: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=bias)


class Block(nn.Module):
    """Three convolutions with ReLUs around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(_conv(width, width), nn.ReLU(), _conv(width, width), nn.ReLU(), _conv(width, width))
        self.fuse = nn.ReLU()

    @property
    def ends(self) -> nn.Conv2d:
        last = self.conv[-1]
        assert isinstance(last, nn.Conv2d)
        return last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fuse(self.conv(x) + x)


class Clamp(nn.Module):
    """Keeps latents within -3..3, smoothly."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x / 3) * 3


def _encoder(width: int) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(3, width), Block(width)]
    for _ in range(3):
        layers += [_conv(width, width, stride=2, bias=False), *(Block(width) for _ in range(3))]
    return nn.Sequential(*layers, _conv(width, LATENT_CHANNELS))


def _decoder(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = [Clamp(), _conv(LATENT_CHANNELS, widths[0]), nn.ReLU()]
    for width, narrower in pairwise(widths):
        layers += [*(Block(width) for _ in range(3)), nn.Upsample(scale_factor=2), _conv(width, narrower, bias=False)]
    return nn.Sequential(*layers, Block(widths[-1]), _conv(widths[-1], 3))


class Autoencoder(nn.Module):
    """Pictures [B,3,H,W] in 0..1 and latents [B,4,H/8,W/8] of about unit size."""

    def __init__(self) -> None:
        super().__init__()
        self.taesd_encoder = _encoder(ENCODER_WIDTH)
        self.taesd_decoder = _decoder(DECODER_WIDTHS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, Block):
                module.ends.weight.data.mul_(0.25)
        for coder, middle in ((self.taesd_encoder, 0.0), (self.taesd_decoder, 0.5)):
            last = coder[-1]
            assert isinstance(last, nn.Conv2d) and last.bias is not None
            last.weight.data.mul_(0.1)
            last.bias.data.fill_(middle)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.taesd_encoder(pictures)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.taesd_decoder(latents)
