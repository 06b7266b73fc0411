"""SD1.5's noise schedule, and a plain DDIM sampler for looking at what a network learned."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch

STEPS = 1000
Noise = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@cache
def signal_shares() -> torch.Tensor:
    """[1000]: how much of a latent's variance is left at each timestep (the product of the alphas)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


def noised(latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """Latents [B,4,h,w] with noise at timesteps [B]."""
    share = signal_shares().to(latents.device)[timesteps].view(-1, 1, 1, 1)
    return share.sqrt() * latents + (1 - share).sqrt() * noise


@torch.no_grad()
def sample(predict: Noise, start: torch.Tensor, steps: int = 20) -> torch.Tensor:
    """Latents from noise [B,4,h,w]; predict: (latents, timesteps [B]) -> noise in them, guidance included.

    DDIM without noise (arXiv 2010.02502, equation 12), the estimate of the picture kept within the latents' size.
    """
    shares, x = signal_shares().to(start.device), start
    times = torch.linspace(STEPS - 1, 0, steps + 1).round().long()[:-1]
    for number, time in enumerate(times):
        here = shares[time]
        there = shares[times[number + 1]] if number + 1 < steps else torch.tensor(0.9999, device=start.device)
        noise = predict(x, torch.full((len(x),), float(time), device=x.device))
        picture = ((x - (1 - here).sqrt() * noise) / here.sqrt()).clamp(-2.6, 2.6)
        noise = (x - here.sqrt() * picture) / (1 - here).sqrt()
        x = there.sqrt() * picture + (1 - there).sqrt() * noise
    return x
