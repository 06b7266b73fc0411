"""Training of the UNet: the noise in a latent, given a caption."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import mse_loss

from ..networks.unet import UNet
from .files import read
from .lessons import Lessons

_WITHOUT_TEXT = 0.12


class UNetPart:
    """Noise prediction at uniform timesteps; some captions are left out, for guidance."""

    name = "unet"
    learning_rate = 1.5e-3

    def __init__(self, lessons: Lessons) -> None:
        torch.manual_seed(12)
        self.rates: dict[str, float] = {}
        self.lessons = lessons
        self.network = UNet().to(lessons.place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = self.network.named_parameters()
        self.parameters: dict[str, nn.Parameter] = {name: value for name, value in named if value.requires_grad}

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        batch = self.lessons.batch(dice, count=self.lessons.place.batch, without_text=_WITHOUT_TEXT)
        return mse_loss(self.network(batch.noisy, batch.timesteps, batch.text, self.lessons.bias), batch.noise)


def trained_unet(folder: Path, device: torch.device) -> UNet:
    """The finished UNet of this folder, frozen."""
    network = UNet()
    # Norms of an attention that is not there are not trained, and so not in the file.
    network.load_state_dict(read(folder / "unet.safetensors")[0], strict=False)
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
