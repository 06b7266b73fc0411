"""ControlNeXt under guiders other than CFG: for video it gives the prompt's half one factor and the negative's another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.samplers
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from comfy_extras import nodes_custom_sampler
from comfy_extras.nodes_custom_sampler import Guider_DualCFG
from comfy_extras.nodes_perpneg import Guider_PerpNeg
from controlnext_recipes import control, image, prompt
from public_path import by_host_node
from test_video import conds, latents, pixels

FRAMES = 3


def cfg(model: Any, positive: Any, negative: Any) -> Any:
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(2.0)
    return guider


def dual_cfg(model: Any, positive: Any, negative: Any) -> Any:
    guider = Guider_DualCFG(model)
    guider.set_conds(positive, negative, negative)
    guider.set_cfg(2.0, 3.0)
    return guider


def perp_neg(model: Any, positive: Any, negative: Any) -> Any:
    guider = Guider_PerpNeg(model)
    guider.set_conds(positive, negative, negative)
    guider.set_cfg(2.0, 1.0)
    return guider


DUAL_MODEL: Any = getattr(nodes_custom_sampler, "Guider_DualModel", None)  # older hosts have none


def dual_model(model: Any, positive: Any, negative: Any) -> Any:
    guider = DUAL_MODEL(model, model)
    guider.set_conds(positive, negative)
    guider.set_cfg(2.0)
    return guider


OTHERS: dict[str, Callable[..., Any]] = {
    "dual_cfg": dual_cfg,
    "perp_neg": perp_neg,
    **({} if DUAL_MODEL is None else {"dual_model": dual_model}),
}


def latent() -> torch.Tensor:
    return torch.randn(1, 4, 8, 6, generator=torch.Generator().manual_seed(1))


def sampled(guider: Any, latent: torch.Tensor) -> torch.Tensor:
    sigmas = comfy.samplers.calculate_sigmas(guider.model_patcher.get_model_object("model_sampling"), "karras", 2)
    euler = comfy.samplers.sampler_object("euler")
    return guider.sample(latent, torch.zeros_like(latent), euler, sigmas, seed=1, disable_pbar=True)


def by_our_stack(positive: Any, negative: Any, net: Any, pixels: torch.Tensor, strength: float) -> tuple[Any, Any]:
    applied = apply_stack(positive, negative, ControlStack((ControlSignal(net, pixels, weight=strength),)))
    return applied.positive, applied.negative


@pytest.mark.parametrize("apply", [by_host_node, by_our_stack])
def test_video_has_the_same_halves_under_every_guider(apply, svd) -> None:
    both = conds(control("svd_v2"), pixels(FRAMES), apply)
    wanted = sampled(cfg(svd, *both), latents(FRAMES))
    plain = sampled(cfg(svd, *conds(None, pixels(FRAMES))), latents(FRAMES))
    assert float((wanted - plain).norm() / plain.norm()) > 0.001
    for name, guider in OTHERS.items():
        made = sampled(guider(svd, *both), latents(FRAMES))
        assert float((made - wanted).norm() / wanted.norm()) < 1e-4, name


def test_pictures_are_alike_under_every_guider(sd15) -> None:
    both = by_our_stack(prompt(1), prompt(2), control("sd15_training"), image(), 1.0)
    wanted = sampled(cfg(sd15, *both), latent())
    for name, guider in OTHERS.items():
        made = sampled(guider(sd15, *both), latent())
        assert float((made - wanted).norm() / wanted.norm()) < 1e-4, name


def test_savings_on_the_prompt_alone_do_not_touch_a_net_without_residuals(sd15) -> None:
    """ControlNeXt acts in one place on both halves alike; that the saving does not apply is no silent change."""
    signal = ControlSignal(control("sd15_training"), image(), weight=1.0)
    made = [
        sampled(guide(sd15, *_pair(signal, Savings(conditional_only=True))), latent())
        for guide in (cfg, *OTHERS.values())
    ]
    for one in made[1:]:
        assert float((one - made[0]).norm() / made[0].norm()) < 1e-4


def _pair(signal: ControlSignal, savings: Savings) -> tuple[Any, Any]:
    applied = apply_stack(prompt(1), prompt(2), ControlStack((signal,)), savings=savings)
    return applied.positive, applied.negative
