"""Training of the IP-Adapter: the picture itself, seen through the image encoder, replaces most captions."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ....models.demo.codes import embed
from ..networks.diffusion import weighted_error
from ..networks.image_prompt import ImagePrompt
from ..networks.unet import Added
from .control_parts import canny_residuals, trained_controlnet
from .files import read
from .lessons import Lessons
from .unet_part import trained_unet

_NOISY_TIMES, _WITHOUT_TEXT, _WITHOUT_PICTURE = 0.6, 0.6, 0.1
_WITH_MAP = 0.6  # of the batches; it is used beside a ControlNet, so it learns beside one


class ImagePromptPart:
    """Projection and keys and values of every cross attention; the UNet stays as it is."""

    name = "ip_adapter"
    learning_rate = 1.5e-3

    def __init__(self, folder: Path, lessons: Lessons) -> None:
        torch.manual_seed(15)
        self.rates: dict[str, float] = {}
        device = lessons.place.device
        self.lessons, self.unet = lessons, trained_unet(folder, device)
        self.controlnet = trained_controlnet(folder, "canny", self.unet, device)
        self.embeddings = embeddings(lessons)
        self.network = ImagePrompt(self.unet.cross_attentions()).to(device)
        self.parameters: dict[str, nn.Parameter] = dict(self.network.named_parameters())

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        lessons = self.lessons
        count = lessons.place.batch * 3 // 4
        batch = lessons.batch(dice, count=count, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        seen = self.embeddings[batch.chosen]
        kept = lessons.place.dice(dice, count) >= _WITHOUT_PICTURE
        residuals: tuple[torch.Tensor, ...] = ()
        if float(lessons.place.dice(dice, 1)) < _WITH_MAP:
            residuals = canny_residuals(self.controlnet, lessons, batch)
        added = Added(residuals, self.network(seen * kept[:, None]))
        found = self.unet(batch.noisy, batch.timesteps, batch.text, lessons.bias, added)
        return weighted_error(found, batch.noise, batch.timesteps)


@torch.no_grad()
def embeddings(lessons: Lessons) -> torch.Tensor:
    """What the image encoder sees in the scenes, [N,256]."""
    parts = [embed(some.float() / 255) for some in lessons.bank.images.split(256)]
    return torch.cat(parts).to(lessons.place.device)


def trained_image_prompt(folder: Path, layers: int, device: torch.device) -> ImagePrompt:
    """The finished IP-Adapter of this folder, frozen."""
    network = ImagePrompt(layers)
    network.load_state_dict(read(folder / "ip_adapter.safetensors")[0])
    return network.to(device).eval().requires_grad_(False)
