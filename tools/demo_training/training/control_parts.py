"""Training of what follows a map: a ControlNet, and ControlNeXt with the part of the UNet that it fine-tunes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from ....models.demo.codes import WIDTH, stays_as_in_unet
from ..networks.control_next import ControlNeXt, add_by_cross_normalization
from ..networks.diffusion import weighted_error
from ..networks.unet import CONTROLNEXT_BLOCK, Added, ControlNet, UNet
from .files import read
from .lessons import Batch, Lessons
from .unet_part import trained_unet

# A map decides where things are, which the noisy timesteps settle.
_NOISY_TIMES, _WITHOUT_TEXT = 0.6, 0.15
_SUBSET_RATE = 0.4


class _MapPart(ABC):
    """What reads a kind of map learns from the noise that is predicted with it."""

    kind: str
    lessons: Lessons

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        lessons = self.lessons
        count = lessons.place.batch * 3 // 4
        batch = lessons.batch(dice, count=count, without_text=_WITHOUT_TEXT, noisy_times=_NOISY_TIMES)
        hint = lessons.bank.hints(self.kind, batch.chosen).contiguous(memory_format=torch.channels_last)
        return self.error(batch, hint)

    def error(self, batch: Batch, hint: torch.Tensor) -> torch.Tensor:
        """Of the predicted noise, weighed as the UNet's own."""
        found = self.noise(batch.noisy, batch.timesteps, batch.text, hint)
        return weighted_error(found, batch.noise, batch.timesteps)

    @abstractmethod
    def noise(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, hint: torch.Tensor
    ) -> torch.Tensor:
        """The noise [B,4,h,w] in noisy latents, at timesteps [B], with text [B,L,288] and maps [B,3,H,W]."""


class ControlNetPart(_MapPart):
    """A copy of the UNet's way down learns to read one kind of map."""

    learning_rate = 8e-4

    def __init__(self, kind: str, folder: Path, lessons: Lessons, seed: int = 13) -> None:
        torch.manual_seed(seed)
        self.name, self.kind, self.lessons = f"controlnet_{kind}", kind, lessons
        self.rates: dict[str, float] = {}
        device = lessons.place.device
        self.unet = trained_unet(folder, device)
        network = ControlNet()
        shared = {name: value for name, value in self.unet.state_dict().items() if name in network.state_dict()}
        network.load_state_dict(shared, strict=False)
        for name, value in network.named_parameters():
            value.requires_grad_(value.requires_grad and not stays_as_in_unet(name))
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = self.network.named_parameters()
        self.parameters: dict[str, nn.Parameter] = {name: value for name, value in named if value.requires_grad}

    def noise(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, hint: torch.Tensor
    ) -> torch.Tensor:
        residuals = self.network(noisy, hint, timesteps, text, self.lessons.bias)
        return self.unet(noisy, timesteps, text, self.lessons.bias, Added(residuals))


def trained_controlnet(folder: Path, kind: str, unet: UNet, device: torch.device) -> ControlNet:
    """The finished ControlNet of this folder, frozen; what it keeps as it is in the UNet comes from there."""
    network = ControlNet()
    shared = {name: value for name, value in unet.state_dict().items() if stays_as_in_unet(name)}
    network.load_state_dict({**shared, **read(folder / f"controlnet_{kind}.safetensors")[0]}, strict=False)
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]


@torch.no_grad()
def canny_residuals(controlnet: ControlNet, lessons: Lessons, batch: Batch) -> tuple[torch.Tensor, ...]:
    """What the Canny ControlNet adds for the maps of a batch's scenes, for a part that learns beside it."""
    hint = lessons.bank.hints("canny", batch.chosen)
    return controlnet(batch.noisy, hint, batch.timesteps, batch.text, lessons.bias)


def _fine_tuned(name: str) -> bool:
    """The UNet's part: the outputs of its attention layers, as the authors unfreeze, what asks the words, and convolutions.

    A network this narrow needs the convolutions behind the map to draw from a map that enters at half the latent's size, and
    new questions to find the words for what it then sees.
    """
    block, _, rest = name.partition(".0.")
    convolution = rest == "out_layers.3.weight" and block.startswith("output_blocks.")
    reads_first = rest == "in_layers.2.weight" and block in ("input_blocks.4", "input_blocks.5")
    return "to_out" in name or "attn2.to_q" in name or convolution or reads_first


class ControlNeXtPart(_MapPart):
    """The module, and a part of the UNet at two fifths of its rate."""

    name, kind = "controlnext_canny", "canny"
    learning_rate = 1.2e-3

    def __init__(self, folder: Path, lessons: Lessons, seed: int = 14) -> None:
        torch.manual_seed(seed)
        self.lessons = lessons
        device = lessons.place.device
        self.unet = trained_unet(folder, device)
        self.module = ControlNeXt().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        named = self.module.named_parameters()
        self.parameters: dict[str, nn.Parameter] = {f"module.{name}": value for name, value in named}
        for name, value in self.unet.named_parameters():
            if _fine_tuned(name):
                value.requires_grad_(True)
                self.parameters[f"unet.{name}"] = value
        self.rates = {name: _SUBSET_RATE for name in self.parameters if name.startswith("unet.")}

    def noise(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, hint: torch.Tensor
    ) -> torch.Tensor:
        place = (CONTROLNEXT_BLOCK, self.adding(self.module(hint, timesteps)))
        return self.unet(noisy, timesteps, text, self.lessons.bias, behind_block=place)

    def adding(self, control: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """How the map enters the hidden state."""
        return add_by_cross_normalization(control)


class ZeroConvolutionPart(ControlNeXtPart):
    """The same module behind a zero convolution, as a ControlNet has, for comparison."""

    name = "controlnext_zero"

    def __init__(self, folder: Path, lessons: Lessons, seed: int = 14) -> None:
        super().__init__(folder, lessons, seed)
        self.zero = nn.Conv2d(WIDTH, WIDTH, 1).to(lessons.place.device)
        for name, parameter in self.zero.named_parameters():
            nn.init.zeros_(parameter)
            self.parameters[f"zero.{name}"] = parameter

    def adding(self, control: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda hidden: hidden + self.zero(_pooled(control, hidden))


class PlainAdditionPart(ControlNeXtPart):
    """The same module, whose map is added as it is, for comparison."""

    name = "controlnext_plain"

    def adding(self, control: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda hidden: hidden + _pooled(control, hidden)


def _pooled(control: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    return adaptive_avg_pool2d(control, (hidden.shape[-2], hidden.shape[-1]))
