"""The narrow UNet and its ControlNet: SD1.5's topology with 64 channels on every level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from ....models.demo.codes import CONTEXT, GROUPS, TIME, WIDTH
from .blocks import Downsample, ResBlock, SpatialTransformer, Upsample, sinusoid

LATENT = 4
LEVELS = 4
_WITH_ATTENTION = 3  # levels, from the top
_FINEST_TO_LOOK_AROUND = 1  # level; self attention at full size would cost a third of all and change little
CONTROLNEXT_BLOCK = 3  # behind which ControlNeXt adds its map: the first downsampling


@dataclass(frozen=True)
class Added:
    """What steers one call. residuals: of a ControlNet, those of the input blocks and then the middle's; keys: of an
    image prompt, (keys, values) per cross attention in running order.
    """

    residuals: tuple[torch.Tensor, ...] = ()
    prompts: tuple[tuple[torch.Tensor, torch.Tensor], ...] = ()


class Sequential(nn.Sequential):
    """Hands each layer what it needs beside the picture."""

    def run(self, x: torch.Tensor, call: _Call) -> torch.Tensor:
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, call.embedding)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, call.text, call.bias, next(call.prompts, None))
            else:
                x = layer(x)
        return x


@dataclass
class _Call:
    embedding: torch.Tensor
    text: torch.Tensor
    bias: torch.Tensor | None
    prompts: Iterator


def _time_embedding() -> nn.Sequential:
    return nn.Sequential(nn.Linear(WIDTH, TIME), nn.SiLU(), nn.Linear(TIME, TIME))


def _transformer(level: int) -> list[nn.Module]:
    return [SpatialTransformer(CONTEXT, level >= _FINEST_TO_LOOK_AROUND)] if level < _WITH_ATTENTION else []


def _way_down() -> nn.ModuleList:
    blocks: list[nn.Module] = [Sequential(nn.Conv2d(LATENT, WIDTH, 3, padding=1))]
    for level in range(LEVELS):
        blocks += [Sequential(ResBlock(WIDTH), *_transformer(level)) for _ in range(2)]
        if level < LEVELS - 1:
            blocks.append(Sequential(Downsample()))
    return nn.ModuleList(blocks)


def _middle() -> Sequential:
    return Sequential(ResBlock(WIDTH), SpatialTransformer(CONTEXT, True), ResBlock(WIDTH))


class UNet(nn.Module):
    """Noise in a latent [B,4,h,w] at timesteps [B], given text [B,L,288]."""

    def __init__(self) -> None:
        super().__init__()
        self.time_embed = _time_embedding()
        self.input_blocks = _way_down()
        self.middle_block = _middle()
        up: list[nn.Module] = []
        for level in reversed(range(LEVELS)):
            for place in range(3):
                ends = [Upsample()] if place == 2 and level > 0 else []
                up.append(Sequential(ResBlock(2 * WIDTH), *_transformer(level), *ends))
        self.output_blocks = nn.ModuleList(up)
        last = nn.Conv2d(WIDTH, LATENT, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.out = nn.Sequential(nn.GroupNorm(GROUPS, WIDTH), nn.SiLU(), last)

    def forward(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        bias: torch.Tensor | None = None,
        added: Added = Added(),
        behind_block: tuple[int, object] | None = None,
    ) -> torch.Tensor:
        """behind_block: (number, function) applied to the hidden state behind an input block, not to its skip."""
        call = _Call(self.time_embed(sinusoid(timesteps, WIDTH)), text, bias, iter(added.prompts))
        skips = []
        for number, block in enumerate(self.input_blocks):
            x = block.run(x, call)  # type: ignore[operator]
            skips.append(x)
            if behind_block is not None and number == behind_block[0]:
                x = behind_block[1](x)  # type: ignore[operator]
        x = self.middle_block.run(x, call)
        residuals = list(added.residuals)
        if residuals:
            x = x + residuals.pop()
        for block in self.output_blocks:
            skip = skips.pop()
            if residuals:
                skip = skip + residuals.pop()
            x = block.run(torch.cat((x, skip), 1), call)  # type: ignore[operator]
        return self.out(x)

    def cross_attentions(self) -> int:
        return sum(isinstance(module, SpatialTransformer) for module in self.modules())


_HINT = ((3, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 96, 2), (96, 96, 1), (96, 256, 2), (256, WIDTH, 1))


class ControlNet(nn.Module):
    """A copy of the way down that reads a control image [B,3,8h,8w] in 0..1; its outputs start at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.time_embed = _time_embedding()
        self.input_blocks = _way_down()
        self.middle_block = _middle()
        self.zero_convs = nn.ModuleList([Sequential(nn.Conv2d(WIDTH, WIDTH, 1)) for _ in self.input_blocks])
        self.middle_block_out = Sequential(nn.Conv2d(WIDTH, WIDTH, 1))
        layers: list[nn.Module] = []
        for channels_in, channels_out, stride in _HINT:
            layers += [nn.Conv2d(channels_in, channels_out, 3, stride, padding=1), nn.SiLU()]
        self.input_hint_block = Sequential(*layers[:-1])
        for zero in (*self.zero_convs, self.middle_block_out, self.input_hint_block[-1:]):
            for parameter in zero.parameters():
                nn.init.zeros_(parameter)

    def forward(
        self,
        x: torch.Tensor,
        hint: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, ...]:
        """Residuals of the input blocks and, last, of the middle."""
        call = _Call(self.time_embed(sinusoid(timesteps, WIDTH)), text, bias, iter(()))
        guided = self.input_hint_block(hint)
        residuals = []
        for number, (block, zero) in enumerate(zip(self.input_blocks, self.zero_convs, strict=True)):
            x = block.run(x, call)  # type: ignore[operator]
            x = x + guided if number == 0 else x
            residuals.append(zero(x))
        return (*residuals, self.middle_block_out(self.middle_block.run(x, call)))
