"""Training of the LoRA: small changes to the UNet's weights that draw everything in the style of scenes/style.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.func import functional_call

from ..networks.diffusion import noised, weighted_error
from ..networks.unet import Added
from ..scenes.style import inked
from .control_parts import canny_residuals, trained_controlnet
from .image_prompt_part import embeddings, trained_image_prompt
from .lessons import Batch, Lessons, autoencoder
from .unet_part import trained_unet

RANK = 8
_PARTS = ("attn1.to_", "attn2.to_", "ff.net", "proj_in", "proj_out", "in_layers.2", "out_layers.3")
_NOISY_TIMES, _WITHOUT_TEXT = 0.6, 0.5
# It is used beside them, so it learns its style beside them: its lines then fall on the map's.
_WITH_MAP, _WITH_PICTURE = 0.9, 0.6


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
        self.controlnet = trained_controlnet(folder, "canny", self.unet, device)
        self.image_prompt = trained_image_prompt(folder, self.unet.cross_attentions(), device)
        self.embeddings = embeddings(lessons)
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
            batch = replace(batch, noisy=noised(latents, batch.noise, batch.timesteps))
            company = self._company(batch, dice)
        inputs = (batch.noisy, batch.timesteps, batch.text, lessons.bias, company)
        return weighted_error(functional_call(self.unet, self.changed(), inputs), batch.noise, batch.timesteps)

    def _company(self, batch: Batch, dice: torch.Generator) -> Added:
        """A ControlNet for most of the batches, an IP-Adapter for many, by themselves or both."""
        lessons = self.lessons
        with_map, with_picture = lessons.place.dice(dice, 2) < torch.tensor(
            (_WITH_MAP, _WITH_PICTURE), device=lessons.place.device
        )
        residuals: tuple[torch.Tensor, ...] = ()
        if with_map:
            residuals = canny_residuals(self.controlnet, lessons, batch)
        return Added(residuals, self.image_prompt(self.embeddings[batch.chosen]) if with_picture else ())
