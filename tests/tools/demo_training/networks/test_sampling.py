"""The evaluation draws as the host does with the sampler, the scheduler and the steps of the demo's graph."""

from __future__ import annotations

from types import SimpleNamespace

import comfy.model_sampling
import comfy.samplers
import torch
from armature_pack.tools.demo_training.networks.diffusion import sample
from comfy.k_diffusion.sampling import sample_lcm

STEPS = 10  # the graph's


class Discrete(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.EPS):
    """The host's schedule of SD1.5."""


def wrong(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """Some smooth guess at the noise, which changes with the time."""
    return torch.tanh(x) * (0.5 + timesteps.view(-1, 1, 1, 1) / 1000)


def test_it_is_the_hosts_lcm():
    schedule = Discrete()
    noise = torch.randn(STEPS, 2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    sigmas = comfy.samplers.calculate_sigmas(schedule, "sgm_uniform", STEPS)

    def denoised(x: torch.Tensor, sigma: torch.Tensor, **_others: object) -> torch.Tensor:
        guess = wrong(schedule.calculate_input(sigma, x), schedule.timestep(sigma).float())
        return schedule.calculate_denoised(sigma, guess, x)

    patcher = SimpleNamespace(get_model_object=lambda _name: schedule)
    denoised.inner_model = SimpleNamespace(model_patcher=patcher)  # type: ignore[attr-defined]
    later = iter(noise[1:])
    start = schedule.noise_scaling(sigmas[0], noise[0], torch.zeros_like(noise[0]), max_denoise=True)
    theirs = sample_lcm(denoised, start, sigmas, disable=True, noise_sampler=lambda *_: next(later))
    ours = sample(wrong, noise)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
