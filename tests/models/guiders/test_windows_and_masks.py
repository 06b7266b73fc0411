"""Extras in windows over a batch and under a denoise mask: what belongs to a picture follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import comfy.context_windows as windows
import comfy.samplers
import pytest
import torch
from armature_pack.models.control.savings import Savings
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.tests.latest import latest
from armature_pack.tests.models.control.sampling import picture as noise_picture
from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion
from guiding import (
    EXTRAS,
    Run,
    cfg,
    distance,
    dual_cfg,
    perp_neg,
    plain,
    with_control,
    with_host_control,
    with_ip_adapter,
)
from ip_adapter_recipes import picture

PICTURES = 4


def in_windows(run: Run, length: int = 2) -> Run:
    """Windows that do not overlap: the network knows nothing between pictures, so they may change nothing."""
    clone = run.model.clone()
    clone.model_options["context_handler"] = windows.IndexListContextHandler(
        context_schedule=windows.get_matching_context_schedule(windows.ContextSchedules.STATIC_STANDARD),
        fuse_method=windows.get_matching_fuse_method(windows.ContextFuseMethods.FLAT),
        context_length=length,
        context_overlap=0,
    )
    return replace(run, model=clone)


def masks() -> torch.Tensor:
    """Another half or quarter for each picture."""
    made = torch.zeros(PICTURES, 16, 16)
    for number in range(PICTURES):
        made[number, :, : 4 * (number + 1)] = 1
    return made


BY_PICTURE: dict[str, Callable[[Run], Run]] = {
    "maps": lambda run: with_control(run, image=noise_picture(5, batch=PICTURES)),
    "masks": lambda run: with_control(run, mask=masks()),
    "frame_weights": lambda run: with_control(run, frame_weights=FrameWeights.from_text("0: 1, 3: 0.2")),
    "halves": lambda run: with_control(
        run, image=noise_picture(5, batch=PICTURES), layer_weights=LayerWeights(unconditional=0.0)
    ),
    "conditional_only": lambda run: with_control(run, Savings(conditional_only=True), mask=masks()),
    "references": lambda run: with_ip_adapter(run, image=picture(count=PICTURES), combine="per picture"),
    "reference_masks": lambda run: with_ip_adapter(run, mask=masks()),
    "reference_weights": lambda run: with_ip_adapter(run, frame_weights=FrameWeights.from_text("0: 1, 3: 0.2")),
}


@latest()
def without_any() -> torch.Tensor:
    return replace(plain(), pictures=PICTURES).sample(cfg)


@pytest.mark.parametrize("extra", BY_PICTURE)
def test_windows_that_do_not_overlap_change_nothing(extra):
    run = BY_PICTURE[extra](replace(plain(), pictures=PICTURES))
    whole = run.sample(cfg)
    assert distance(in_windows(run).sample(cfg), whole) < 1e-4
    assert distance(whole, without_any()) > 0.01
    assert distance(whole[:1], whole[-1:]) > 0.01


@pytest.mark.parametrize("guider", [dual_cfg, perp_neg])
@pytest.mark.parametrize("extra", ["halves", "references"])
def test_nor_do_they_under_another_guider(extra, guider):
    run = BY_PICTURE[extra](replace(plain(), pictures=PICTURES))
    assert distance(in_windows(run).sample(guider), run.sample(cfg)) < 1e-4


# A denoise mask, hard and by degrees (Differential Diffusion) ----------------------------------------------------------


def inpainted(run: Run) -> torch.Tensor:
    guider = cfg(run)
    noise = run.latent_noise()
    start = torch.randn(noise.shape, generator=torch.Generator().manual_seed(9))
    mask = torch.linspace(0, 1, noise.shape[-1]).expand(1, 1, *noise.shape[-2:]).contiguous()
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "normal", 4)
    euler = comfy.samplers.sampler_object("euler")
    return guider.sample(noise, start, euler, sigmas, denoise_mask=mask, seed=1, disable_pbar=True)


def by_degrees(model: Any) -> Any:
    made = DifferentialDiffusion.execute(model)
    return made.args[0] if hasattr(made, "args") else made[0]


@pytest.mark.parametrize("gradual", [False, True])
def test_under_a_denoise_mask_a_neutral_extra_gives_what_the_host_gives(gradual):
    run = plain()
    if gradual:
        run = replace(run, model=by_degrees(run.model))
    ours = inpainted(with_control(run, mask=torch.ones(1, 8, 8)))
    assert distance(ours, inpainted(with_host_control(run))) < 1e-4
    plainly = inpainted(run)
    for extra in ("curve", "halves", "ip_adapter", "both"):
        assert distance(inpainted(EXTRAS[extra](run)), plainly) > 0.005
    assert torch.equal(inpainted(run), plainly)
