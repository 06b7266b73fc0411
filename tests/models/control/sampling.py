"""Sampling in-process with the host's own functions, for comparing two ways of applying control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.controlnet
import comfy.sample
import comfy.sd
import torch
from armature_pack.tests.latest import latest

SMALLEST = (8, 8)  # pixels of a latent, which is all that a network in full width needs


@dataclass(frozen=True, eq=False)
class Bench:
    """A model with two prompts' worth of conditioning, and the usual (height, width) of its latent."""

    model: Any
    positive: list[Any]
    negative: list[Any]
    size: tuple[int, int] = SMALLEST

    def latent(
        self,
        positive: list[Any],
        negative: list[Any],
        batch: int = 1,
        size: tuple[int, int] | None = None,
        steps: int = 3,
    ) -> torch.Tensor:
        """The latent [batch,4,h,w] after some Euler steps from a fixed noise."""
        noise = torch.randn(batch, 4, *(size or self.size), generator=torch.Generator().manual_seed(0))
        return comfy.sample.sample(
            self.model,
            noise,
            steps,
            3.0,
            "euler",
            "normal",
            positive,
            negative,
            torch.zeros_like(noise),
            seed=1,
            disable_pbar=True,
        )


def conditioning(seed: int, tokens: int = 77, context: int = 768) -> list[Any]:
    return [[torch.randn(1, tokens, context, generator=torch.Generator().manual_seed(seed)), {}]]


@latest(2)
def bench(path: Path) -> Bench:
    """The diffusion model of a checkpoint or of a bare diffusion model file."""
    if path.parent.name == "checkpoints" or ("checkpoint" in path.name and "xs" not in path.name):
        model = comfy.sd.load_checkpoint_guess_config(str(path), output_vae=False, output_clip=False)[0]
    else:
        model = comfy.sd.load_diffusion_model(str(path))
    return Bench(model, conditioning(1), conditioning(2))


@latest(3)
def control_net(path: Path) -> Any:
    return comfy.controlnet.load_controlnet(str(path))


def picture(seed: int, height: int = 128, width: int = 128, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(seed))
