"""Training of the autoencoder."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

from ..networks.autoencoder import FACTOR, Autoencoder
from ..scenes.style import inked
from .bank import Bank
from .part import Workplace

_CROP = 96  # pixels; a multiple of 8
_INKED = 6  # one picture in so many shows the style of the LoRA, which the decoder must be able to draw
_COLOUR_SCALE = 2.6  # size of the latent's first three channels, which are held close to the small picture


class VaePart:
    """Crops of the scenes; errors count more where the picture has contrast, and edges count by themselves.

    The first three latent channels are pulled towards the picture at an eighth of its size: smooth latents of known
    size are easier for a small denoising network than whatever an autoencoder would choose.
    """

    name = "vae"
    learning_rate = 2e-3

    def __init__(self, bank: Bank, place: Workplace) -> None:
        torch.manual_seed(11)
        self.rates: dict[str, float] = {}
        self.bank, self.place = bank, place
        self.network = Autoencoder().to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters: dict[str, nn.Parameter] = dict(self.network.named_parameters())

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        pictures = self._crops(dice)
        latents = self.network.encode(pictures)
        small = (avg_pool2d(pictures, FACTOR) - 0.5) * _COLOUR_SCALE
        error = self.network.decode(latents + self.place.noise(dice, latents) * 0.07) - pictures
        contrast = (max_pool2d(pictures, 5, 1, 2) + max_pool2d(-pictures, 5, 1, 2)).mean(1, keepdim=True)
        steps = (error.diff(dim=-1)).abs().mean() + (error.diff(dim=-2)).abs().mean()
        weighted = (error.abs() * (1 + 3 * max_pool2d(contrast, 3, 1, 1))).mean()
        anchor = 0.3 * ((latents[:, :3] - small) ** 2).mean() + 0.02 * (latents[:, 3] ** 2).mean()
        return weighted + 3 * (error**2).mean() + steps + anchor

    def _crops(self, dice: torch.Generator) -> torch.Tensor:
        place, count = self.place, max(1, self.place.batch // 3)
        numbers = place.choose(dice, len(self.bank), count)
        chosen = self.bank.images[numbers].float() / 255
        some = max(1, count // _INKED)
        chosen[:some] = inked(chosen[:some], self.bank.edges[numbers[:some]])
        room = chosen.shape[-1] - _CROP + 1
        top, left = (int(place.choose(dice, room, 1)) for _ in range(2))
        crop = chosen[..., top : top + _CROP, left : left + _CROP]
        return crop.contiguous(memory_format=torch.channels_last)
