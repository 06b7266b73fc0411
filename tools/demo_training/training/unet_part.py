"""Training of the UNet: the noise in a latent, given a caption."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..networks.diffusion import weighted_error
from ..networks.unet import UNet
from .files import read
from .lessons import Lessons

# The noisy timesteps settle what stands where, and in which colour.
_NOISY_TIMES, _WITHOUT_TEXT = 0.75, 0.12


class UNetPart:
    """Noise prediction, more often at noisy timesteps; some captions are left out, for guidance."""

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
        lessons = self.lessons
        batch = lessons.batch(dice, count=lessons.place.batch, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        found = self.network(batch.noisy, batch.timesteps, batch.text, lessons.bias)
        return weighted_error(found, batch.noise, batch.timesteps)


def trained_unet(folder: Path, device: torch.device) -> UNet:
    """The finished UNet of this folder, frozen."""
    network = UNet()
    # Norms of an attention that is not there are not trained, and so not in the file.
    network.load_state_dict(read(folder / "unet.safetensors")[0], strict=False)
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
