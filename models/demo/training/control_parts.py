"""Training of what follows a map: a ControlNet, and ControlNeXt with the part of the UNet that it fine-tunes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import mse_loss

from ..networks.control_next import ControlNeXt, add_by_cross_normalization
from ..networks.unet import CONTROLNEXT_BLOCK, Added, ControlNet
from .lessons import Lessons
from .unet_part import trained_unet

# A map decides where things are, which the noisy timesteps settle.
_NOISY_TIMES, _WITHOUT_TEXT = 0.6, 0.15
_SUBSET_RATE = 0.2


class ControlNetPart:
    """A copy of the UNet's way down learns to read one kind of map."""

    learning_rate = 8e-4

    def __init__(self, kind: str, folder: Path, lessons: Lessons) -> None:
        torch.manual_seed(13)
        self.name, self.kind, self.lessons = f"controlnet_{kind}", kind, lessons
        self.rates: dict[str, float] = {}
        device = lessons.place.device
        self.unet = trained_unet(folder, device)
        network = ControlNet()
        shared = {name: value for name, value in self.unet.state_dict().items() if name in network.state_dict()}
        network.load_state_dict(shared, strict=False)
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = self.network.named_parameters()
        self.parameters: dict[str, nn.Parameter] = {name: value for name, value in named if value.requires_grad}

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        lessons = self.lessons
        count = lessons.place.batch * 3 // 4
        batch = lessons.batch(dice, count=count, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        hint = lessons.bank.hints(self.kind, batch.chosen).contiguous(memory_format=torch.channels_last)
        residuals = self.network(batch.noisy, hint, batch.timesteps, batch.text, lessons.bias)
        found = self.unet(batch.noisy, batch.timesteps, batch.text, lessons.bias, Added(residuals))
        return mse_loss(found, batch.noise)


class ControlNeXtPart:
    """The module, and the outputs of the UNet's attention layers at a fifth of its rate, as the authors unfreeze."""

    name = "controlnext_canny"
    learning_rate = 1.2e-3

    def __init__(self, folder: Path, lessons: Lessons) -> None:
        torch.manual_seed(14)
        self.lessons = lessons
        device = lessons.place.device
        self.unet = trained_unet(folder, device)
        self.module = ControlNeXt().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = self.module.named_parameters()
        self.parameters: dict[str, nn.Parameter] = {f"module.{name}": value for name, value in named}
        for name, value in self.unet.named_parameters():
            if "to_out" in name:
                value.requires_grad_(True)
                self.parameters[f"unet.{name}"] = value
        self.rates = {name: _SUBSET_RATE for name in self.parameters if name.startswith("unet.")}

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        lessons = self.lessons
        count = lessons.place.batch * 3 // 4
        batch = lessons.batch(dice, count=count, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        hint = lessons.bank.hints("canny", batch.chosen).contiguous(memory_format=torch.channels_last)
        add = add_by_cross_normalization(self.module(hint, batch.timesteps))
        found = self.unet(batch.noisy, batch.timesteps, batch.text, lessons.bias, behind_block=(CONTROLNEXT_BLOCK, add))
        return mse_loss(found, batch.noise)
