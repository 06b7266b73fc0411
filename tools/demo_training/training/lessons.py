"""What the networks behind the autoencoder are trained on: latents, captions and control maps of the bank's scenes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from ....models.demo import codes
from ..networks.autoencoder import Autoencoder
from ..networks.diffusion import STEPS, noised
from ..scenes.layout import TRAINING, scene
from . import bank
from .files import read, write
from .part import Workplace

_AT_ONCE = 16


@dataclass(frozen=True)
class Batch:
    """noisy [B,4,h,w], the noise in it, timesteps [B], text [B,L,288], chosen scenes [B]."""

    noisy: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: torch.Tensor
    chosen: torch.Tensor


@dataclass(frozen=True)
class Lessons:
    """latents [N,4,h,w], tokens [N,L] and the bank they come from."""

    bank: bank.Bank
    latents: torch.Tensor
    tokens: torch.Tensor
    bias: torch.Tensor
    place: Workplace

    def batch(self, dice: torch.Generator, *, count: int, without_text: float, noisy_times: float = 1.0) -> Batch:
        """A batch; without_text: share of empty prompts; noisy_times: below 1, more of the early, noisy timesteps."""
        place = self.place
        chosen = place.choose(dice, len(self.latents), count)
        tokens = self.tokens[chosen].clone()
        dropped = place.dice(dice, count) < without_text
        tokens[dropped] = codes.empty(1).to(place.device)
        timesteps = (STEPS * place.dice(dice, count) ** noisy_times).long().clamp(0, STEPS - 1)
        latents = self.latents[chosen]
        noise = place.noise(dice, latents)
        noisy = noised(latents, noise, timesteps).contiguous(memory_format=torch.channels_last)
        return Batch(noisy, noise, timesteps, codes.context(tokens), chosen)


def autoencoder(folder: Path, device: torch.device) -> Autoencoder:
    """The finished autoencoder of this folder."""
    network = Autoencoder()
    network.load_state_dict(read(folder / "vae.safetensors")[0])
    return network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


def load(folder: Path, place: Workplace) -> Lessons:
    """Lessons on the first scenes of the folder's bank; latents are made once."""
    scenes = bank.load(folder, place.scenes, place.device)
    captions = [scene(TRAINING, index).caption for index in range(place.scenes)]
    return Lessons(
        scenes,
        _latents(folder, scenes, place),
        codes.tokenize(captions).to(place.device),
        codes.padding_bias().to(place.device),
        place,
    )


def held_out(folder: Path, place: Workplace, count: int) -> Lessons:
    """The first scenes of the other split, to examine with."""
    scenes, shown = bank.held_out(0, count, place.device)
    return Lessons(
        shown,
        encode(autoencoder(folder, place.device), shown.images),
        codes.tokenize([one.caption for one in scenes]).to(place.device),
        codes.padding_bias().to(place.device),
        place,
    )


@torch.no_grad()
def encode(network: Autoencoder, pictures: torch.Tensor) -> torch.Tensor:
    """Bytes [N,3,S,S] -> latents [N,4,S/8,S/8]."""
    return torch.cat([network.encode(some.float() / 255) for some in pictures.split(_AT_ONCE)])


def _latents(folder: Path, scenes: bank.Bank, place: Workplace) -> torch.Tensor:
    """Kept under the name of the encoder's weights, which a later training changes."""
    network = autoencoder(folder, place.device)
    weights = b"".join(value.cpu().numpy().tobytes() for value in network.taesd_encoder.state_dict().values())
    path = folder / f"latents-{place.scenes}-{hashlib.sha256(weights).hexdigest()[:8]}.safetensors"
    if not path.exists():
        write(path, {"latents": encode(network, scenes.images)})
    return read(path, place.device)[0]["latents"]
