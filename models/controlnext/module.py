"""The control network of ControlNeXt in all its layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from torch import nn
from torch.nn.functional import pad, silu

from ..files.layouts.controlnext import SINUSOID_CHANNELS, TIME_CHANNELS, Layout
from .block_ending import Apart, Ending, merge

# Building blocks of the control network: the time embedding, the residual block and the stem.

_RESIDUAL_EPS = 1e-6  # the other normalisations keep PyTorch's 1e-5


class TimeEmbedding(nn.Module):
    """Sinusoid of the timestep (cosines first) through a two-layer perceptron."""

    def __init__(self, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.linear_1 = operations.Linear(SINUSOID_CHANNELS, TIME_CHANNELS, **factory)
        self.linear_2 = operations.Linear(TIME_CHANNELS, TIME_CHANNELS, **factory)

    def forward(self, timestep: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """timestep: [B], as the UNet gets it (0..999, or 0.25*ln(sigma) for video); result: [B,256]."""
        sinusoid = timestep_embedding(timestep.float(), SINUSOID_CHANNELS).to(dtype)
        return self.linear_2(silu(self.linear_1(sinusoid)))


@dataclass(frozen=True)
class Prepared:
    """What a residual block and the strided convolution behind it make before the timestep comes in.

    shortcut: as the block's ending makes it; hidden: [B,hidden,H,W].
    """

    shortcut: torch.Tensor
    hidden: torch.Tensor

    @property
    def nbytes(self) -> int:
        return self.shortcut.nbytes + self.hidden.nbytes


class ResidualBlock(nn.Module):
    """Residual block with a time embedding, in two halves: only the second one sees the time.

    Both halves take the ending, in which the block's last convolution and the strided one behind it are.
    """

    def __init__(self, channels_in: int, channels_out: int, groups: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.norm1 = operations.GroupNorm(groups, channels_in, eps=_RESIDUAL_EPS, **factory)
        self.conv1 = operations.Conv2d(channels_in, channels_out, 3, padding=1, **factory)
        self.time_emb_proj = operations.Linear(TIME_CHANNELS, channels_out, **factory)
        self.norm2 = operations.GroupNorm(groups, channels_out, eps=_RESIDUAL_EPS, **factory)
        self.conv2 = operations.Conv2d(channels_out, channels_out, 3, padding=1, **factory)
        if channels_in != channels_out:
            self.conv_shortcut = operations.Conv2d(channels_in, channels_out, 1, **factory)
        else:
            self.conv_shortcut = nn.Identity()

    def before_time(self, x: torch.Tensor, ending: Ending) -> Prepared:
        """All of x: [B,in,H,W] that does not depend on the timestep."""
        return Prepared(ending.shortcut(x), self.conv1(silu(self.norm1(x), inplace=True)))

    def after_time(self, prepared: Prepared, embedding: torch.Tensor, ending: Ending) -> torch.Tensor:
        """The output, [B,out,ceil(H/2),ceil(W/2)]; embedding: [B,256]. `prepared` is left as it is, for other timesteps."""
        # In place wherever a tensor is nobody else's: the first block's are as large as the picture, and to the
        # processor a fresh one of that size costs as much as the arithmetic on it.
        hidden = prepared.hidden + self.time_emb_proj(silu(embedding))[:, :, None, None]
        return ending.join(prepared.shortcut, silu(self.norm2(hidden), inplace=True))


class Downsample(nn.Module):
    """Strided convolution: n -> ceil(n/2); it is part of the ending of the block before it."""

    def __init__(self, channels: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.conv = operations.Conv2d(channels, channels, 3, stride=2, padding=1, **factory)


class Stem(nn.Sequential):
    """Three convolutions, the first one strided: 3 -> 64 -> 64 -> 128 channels at half size.

    Keys and shapes do not tell whether the second and third convolution are padded, so that is given at run time.
    """

    def __init__(self, pooled: bool, operations: Any, **factory: Any) -> None:
        layers: list[nn.Module] = []
        for channels_in, channels_out, stride in ((3, 64, 2), (64, 64, 1), (64, 128, 1)):
            layers += [
                operations.Conv2d(channels_in, channels_out, 3, stride=stride, padding=stride // 2, **factory),
                operations.GroupNorm(2, channels_out, **factory),
                nn.ReLU(),
            ]
        if pooled:
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers)

    def forward(self, x: torch.Tensor, padding: int) -> torch.Tensor:
        """padding: of the two unstrided convolutions, 0 or 1."""
        for index, layer in enumerate(self):
            x = layer(pad(x, (padding,) * 4) if index in (3, 6) and padding else x)
        return x


def middle_convolutions(
    width: int, channels_out: int, normalised: bool, operations: Any, **factory: Any
) -> nn.ModuleList:
    """Two 3x3 convolutions and the 1x1 that ends the network; the activation stands before the normalisation."""

    def convolution() -> nn.Module:
        return operations.Conv2d(width, width, 3, padding=1, **factory)

    def norm() -> list[nn.Module]:
        return [operations.GroupNorm(8, width, **factory)] if normalised else []

    inner = nn.Sequential(convolution(), nn.ReLU(), *norm(), convolution(), *norm())
    return nn.ModuleList([inner, operations.Conv2d(width, channels_out, 1, **factory)])


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
