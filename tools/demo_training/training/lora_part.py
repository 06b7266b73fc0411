"""Training of the LoRA: small changes to the UNet's weights that draw everything in the style of scenes/style.py."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.func import functional_call

from ..networks.diffusion import noised, weighted_error
from ..scenes.style import inked
from .lessons import Lessons, autoencoder
from .unet_part import trained_unet

RANK = 4
_PARTS = ("attn1.to_", "attn2.to_", "ff.net", "proj_in", "proj_out", "in_layers.2", "out_layers.3")
_NOISY_TIMES, _WITHOUT_TEXT = 0.8, 0.15


class LoRAPart:
    """For each matrix or kernel W: W + up @ down, up starting at zero (arXiv 2106.09685)."""

    name = "lora_ink"
    learning_rate = 3e-3

    def __init__(self, folder: Path, lessons: Lessons) -> None:
        torch.manual_seed(16)
        self.rates: dict[str, float] = {}
        device = lessons.place.device
        self.lessons, self.unet = lessons, trained_unet(folder, device)
        self.vae = autoencoder(folder, device).requires_grad_(False)
        self.base = dict(self.unet.named_parameters())
        self.parameters: dict[str, nn.Parameter] = {}
        for name, weight in self.base.items():
            if weight.dim() > 1 and any(part in name for part in _PARTS):
                wide = weight[0].numel()
                down = torch.randn(RANK, wide) / wide**0.5
                stem = name.removesuffix(".weight")
                self.parameters[f"{stem}.down"] = nn.Parameter(down.to(device))
                self.parameters[f"{stem}.up"] = nn.Parameter(torch.zeros(len(weight), RANK, device=device))

    def changed(self) -> dict[str, torch.Tensor]:
        """The UNet's weights with the LoRA in them."""
        weights: dict[str, torch.Tensor] = {}
        for name, weight in self.base.items():
            down = self.parameters.get(f"{name.removesuffix('.weight')}.down")
            if down is None:
                weights[name] = weight
                continue
            change = self.parameters[f"{name.removesuffix('.weight')}.up"] @ down
            weights[name] = weight + change.view_as(weight)
        return weights

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        lessons = self.lessons
        count = lessons.place.batch // 2
        batch = lessons.batch(dice, count=count, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        pictures = lessons.bank.images[batch.chosen].float() / 255
        with torch.no_grad():
            latents = self.vae.encode(inked(pictures, lessons.bank.edges[batch.chosen]))
        noisy = noised(latents, batch.noise, batch.timesteps)
        found = functional_call(self.unet, self.changed(), (noisy, batch.timesteps, batch.text, lessons.bias))
        return weighted_error(found, batch.noise, batch.timesteps)
