"""Training of the autoencoder: first with latents that are held close to a small picture, then with free ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

from ..networks.autoencoder import FACTOR, Autoencoder
from ..scenes.style import inked
from .bank import Bank
from .crops import around_edges, cropped
from .files import read
from .part import Workplace

INKED = 7  # one picture in so many shows the style of the LoRA, which the decoder must be able to draw
_NOISE = 0.06  # in the latents, as the UNet's are not exact
_COLOUR_SCALE = 2.6  # size of the latent's first three channels, which are held close to the small picture
_FREE = 0.001  # what the size of a free latent costs


def picture_error(found: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Of decoded pictures [B,3,H,W]: errors count more where the picture has contrast, and edges count by themselves."""
    error = found - pictures
    contrast = (max_pool2d(pictures, 5, 1, 2) + max_pool2d(-pictures, 5, 1, 2)).mean(1, keepdim=True)
    steps = (error.diff(dim=-1)).abs().mean() + (error.diff(dim=-2)).abs().mean()
    weighted = (error.abs() * (1 + 3 * max_pool2d(contrast, 3, 1, 1))).mean()
    return weighted + 10 * (error**2).mean() + steps


class VaePart:
    """The first three latent channels are pulled towards the picture at an eighth of its size: smooth latents of known
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
        pictures = self._pictures(dice)
        latents = self.network.encode(pictures)
        found = self.network.decode(latents + self.place.noise(dice, latents) * _NOISE)
        return picture_error(found, pictures) + self.cost(latents, pictures)

    @staticmethod
    def cost(latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """What latents [B,4,h,w] cost that are not as they should be."""
        small = (avg_pool2d(pictures, FACTOR) - 0.5) * _COLOUR_SCALE
        return 0.3 * ((latents[:, :3] - small) ** 2).mean() + 0.02 * (latents[:, 3] ** 2).mean()

    def _pictures(self, dice: torch.Generator) -> torch.Tensor:
        place, count = self.place, max(1, self.place.batch * 5 // 8)
        numbers = place.choose(dice, len(self.bank), count)
        chosen, edges = self.bank.images[numbers].float() / 255, self.bank.edges[numbers]
        some = max(1, count // INKED)
        chosen[:some] = inked(chosen[:some], edges[:some])
        return cropped(chosen, around_edges(place, dice, edges), FACTOR)


class VaeDetailPart(VaePart):
    """The finished autoencoder goes on with latents that are free but for a small cost of their size: small pictures are all
    that the first training tells, and corners are not in them. Latents come out near those that it began with.
    """

    name = "vae_detail"
    learning_rate = 1.2e-3

    def __init__(self, folder: Path, bank: Bank, place: Workplace) -> None:
        super().__init__(bank, place)
        self.network.load_state_dict(read(folder / "vae.safetensors", place.device)[0])

    @staticmethod
    def cost(latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return _FREE * latents.square().mean()
