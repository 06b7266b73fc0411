"""The control network of ControlNeXt in all its layouts."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .block_ending import Apart, Ending, merge
from .blocks import Downsample, Prepared, ResidualBlock, Stem, TimeEmbedding, middle_convolutions
from .layouts import Layout

_LARGE = 256 * 256  # pixels


class ControlNeXtModule(nn.Module):
    """Control image [B,3,H,W] in 0..1 and timestep [B] -> control map [B,C,h,w].

    Keys and shapes of the state dict equal those of the reference classes. `operations` are the host's layers, which
    cast their weights to the input's device and dtype.
    """

    def __init__(self, layout: Layout, operations: Any, dtype: torch.dtype, device: Any = None) -> None:
        super().__init__()
        factory = {"operations": operations, "dtype": dtype, "device": device}
        width = layout.stages[-1][1]
        self.layout = layout
        self.time_embedding = TimeEmbedding(**factory)
        if layout.stem:
            self.embedding = Stem(layout.pooled_stem, **factory)
        self.down_res = nn.ModuleList(ResidualBlock(*stage, **factory) for stage in layout.stages)
        self.down_sample = nn.ModuleList(Downsample(stage[1], **factory) for stage in layout.stages)
        self.mid_convs = middle_convolutions(width, layout.out_channels, layout.stem, **factory)
        if layout.scale:
            # Not used in here: the factor acts behind the normalisation, which would cancel it.
            self.scale = nn.Parameter(torch.ones((), dtype=dtype, device=device), requires_grad=False)

    def merges(self, height: int, width: int) -> bool:
        """Whether the blocks' endings are merged for an image of this size.

        Merged they are as near to the exact result, but rounded otherwise than in the authors' code. Without a stem, where
        values go up to 200, the two differ by up to 2e-4; for a small image the time saved is not worth that.
        """
        return self.layout.stem or height * width >= _LARGE

    def endings(self, like: torch.Tensor, merged: bool) -> tuple[Ending, ...]:
        """Of the blocks; `like` has the dtype and the device of the computation."""
        stages: Any = zip(self.down_res, self.down_sample, strict=True)
        layers = ((block.conv2, block.conv_shortcut, downsample.conv) for block, downsample in stages)
        return tuple(merge(*one, like) if merged else Apart(*one) for one in layers)

    def prepare(self, image: torch.Tensor, stem_padding: int, endings: tuple[Ending, ...]) -> Prepared:
        """Everything that does not depend on the timestep."""
        x = self.embedding(image, stem_padding) if self.layout.stem else image
        first: Any = self.down_res[0]
        return first.before_time(x, endings[0])

    def finish(self, prepared: Prepared, timestep: torch.Tensor, endings: tuple[Ending, ...]) -> torch.Tensor:
        """The control map; timestep: [B], or [1] for all."""
        embedding = self.time_embedding(timestep, prepared.hidden.dtype)
        first: Any = self.down_res[0]
        x = first.after_time(prepared, embedding, endings[0])
        rest: Any = zip(self.down_res[1:], endings[1:], strict=True)
        for block, ending in rest:
            x = block.after_time(block.before_time(x, ending), embedding, ending)
        middle = self.mid_convs[0](x)
        return self.mid_convs[1](middle.add_(x) if self.layout.stem else middle)

    def forward(self, image: torch.Tensor, timestep: torch.Tensor, stem_padding: int = 1) -> torch.Tensor:
        endings = self.endings(image, self.merges(*image.shape[-2:]))
        return self.finish(self.prepare(image, stem_padding, endings), timestep, endings)
