"""SD1.5's noise schedule, and a sampler for looking at what a network learned."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch

STEPS = 1000
_MOST_WEIGHT = 12.0
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


def guess(noisy: torch.Tensor, noise: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """The latents that are left when this noise is taken out of noisy ones; share: of the signal, as in `signal_shares`."""
    return (noisy - (1 - share).sqrt() * noise) / share.sqrt()


def weighted_error(found: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """Mean squared error of noise [B,4,h,w] at timesteps [B], weighed as an error of v = sqrt(share) noise - sqrt(1 - share) x.

    An even loss hardly counts the noisy steps, in which is settled what stands where and in which colour. Where next to nothing
    of the latent is left the weight stays at _MOST_WEIGHT. v: arXiv 2202.00512, appendix D.
    """
    weights = (1 / signal_shares().to(found.device)[timesteps]).clamp(max=_MOST_WEIGHT)
    return ((found - noise).square().flatten(1).mean(1) * weights).mean()


@torch.no_grad()
def sample(predict: Noise, noise: torch.Tensor, saw: Callable[[int, torch.Tensor], None] | None = None) -> torch.Tensor:
    """Latents [B,4,h,w] from noise [steps,B,4,h,w], all of it of variance 1.

    predict: (latents, timesteps [B]) -> noise in them, guidance included; saw: gets each step's number and guess.
    Each step guesses the picture and puts new noise on the guess, as the host's sampler `lcm` does under the scheduler
    `sgm_uniform`. A small network's mistakes are washed out by the new noise; DDIM keeps them, and leaves spots.
    """
    steps = len(noise)
    x = noise[0]
    times = torch.linspace(STEPS - 1, 0, steps + 1)[:-1]
    shares = _shares_between(times).to(noise.device)
    for number, (time, here) in enumerate(zip(times.round(), shares, strict=True)):
        wrong = predict(x, torch.full((len(x),), float(time), device=x.device))
        x = guess(x, wrong, here)
        if saw is not None:
            saw(number, x)
        if number + 1 < steps:
            there = shares[number + 1]
            x = there.sqrt() * x + (1 - there).sqrt() * noise[number + 1]
    return x


def _shares_between(times: torch.Tensor) -> torch.Tensor:
    """Shares at times between two timesteps: noise over signal grows evenly in its logarithm there, as the host has it."""
    odds = ((1 - signal_shares()) / signal_shares()).log()
    low, high = times.floor().long(), times.ceil().long()
    return torch.sigmoid(-torch.lerp(odds[low], odds[high], times - low))
