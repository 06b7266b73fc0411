"""Second training of the autoencoder's decoder, once the latents are settled: sharp pictures of what the UNet predicts."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ....models.demo import codes
from ..networks.autoencoder import FACTOR
from ..networks.diffusion import guess, noised, signal_shares
from ..networks.unet import Added
from ..scenes.style import inked
from .control_parts import canny_residuals, trained_controlnet
from .crops import around_edges, cropped
from .lessons import Batch, Lessons, autoencoder
from .unet_part import trained_unet
from .vae_part import INKED, picture_error

_NOISE = 0.05
_LAST_TIMES = 400  # of these timesteps are the guesses that the decoder learns from; a sampler ends there


class DecoderPart:
    """Half of the latents are the encoder's, with some noise; half are the UNet's guesses under the right map, as it ends with
    them. What such a guess gets wrong about an edge is not noise: it is always a little too round. The encoder stays as it is,
    and so do all latents that the other parts learned from.
    """

    name = "vae_decoder"
    learning_rate = 1e-3

    def __init__(self, folder: Path, lessons: Lessons) -> None:
        torch.manual_seed(17)
        self.rates: dict[str, float] = {}
        device = lessons.place.device
        self.lessons, self.unet = lessons, trained_unet(folder, device)
        self.controlnet = trained_controlnet(folder, "canny", self.unet, device)
        self.vae = autoencoder(folder, device).requires_grad_(False)
        decoder = self.vae.taesd_decoder.requires_grad_(True)
        self.parameters: dict[str, nn.Parameter] = {
            f"taesd_decoder.{name}": v for name, v in decoder.named_parameters()
        }

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        place = self.lessons.place
        chosen = place.choose(dice, len(self.lessons.latents), max(2, place.batch * 5 // 8))
        pictures = self.lessons.bank.images[chosen].float() / 255
        guessed = len(chosen) // 2
        with torch.no_grad():
            some = slice(guessed, guessed + max(1, len(chosen) // INKED))
            pictures[some] = inked(pictures[some], self.lessons.bank.edges[chosen[some]])
            latents = self.lessons.latents[chosen].clone()
            latents[some] = self.vae.encode(pictures[some])
            latents[guessed:] += _NOISE * place.noise(dice, latents[guessed:])
            latents[:guessed] = self._guesses(chosen[:guessed], dice)
        corners = around_edges(place, dice, self.lessons.bank.edges[chosen])
        return picture_error(self.vae.decode(cropped(latents, corners)), cropped(pictures, corners, FACTOR))

    def _guesses(self, chosen: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
        """The latents [B,4,h,w] that are predicted from noisy ones, under maps and captions."""
        lessons = self.lessons
        timesteps = (_LAST_TIMES * lessons.place.dice(dice, len(chosen))).long()
        latents = lessons.latents[chosen]
        noise = lessons.place.noise(dice, latents)
        noisy, text = noised(latents, noise, timesteps), codes.context(lessons.tokens[chosen])
        residuals = canny_residuals(self.controlnet, lessons, Batch(noisy, noise, timesteps, text, chosen))
        found = self.unet(noisy, timesteps, text, lessons.bias, Added(residuals))
        return guess(noisy, found, signal_shares().to(noisy.device)[timesteps].view(-1, 1, 1, 1))
