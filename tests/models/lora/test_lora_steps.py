"""A LoRA with a curve: in which steps it acted, and the extras of control and pictures beside its hooks."""

from __future__ import annotations

import logging
from typing import Any

import comfy.samplers
import pytest
import torch
from armature_pack.nodes.lora import ArmatureApplyLoRAStack, ArmatureLoRAOptions, ArmatureLoRAStack
from armature_pack.tests.alike import assert_alike
from ip_adapter_recipes import adapter, picture, prompt, tiny_encoder
from lora_recipes import diffusers_layers, kohya, lora
from safetensors.torch import save_file


@pytest.fixture
def scheduled(sd15, folder):
    """(MODEL, HOOKS) of a LoRA with this curve; without one, the MODEL with the LoRA in it and None."""
    save_file(lora(diffusers_layers(sd15), kohya), folder / "one.safetensors")
    stack = ArmatureLoRAStack.execute("one.safetensors", 0.8).args[0]

    def apply(schedule: str = "") -> tuple[Any, Any]:
        options = ArmatureLoRAOptions.execute("one.safetensors", schedule=schedule).args[0] if schedule else None
        model, _, _, hooks = ArmatureApplyLoRAStack.execute(sd15, None, stack, options=options).args
        return model, hooks

    return apply


def sampled(model: Any, hooks: Any = None, first: int = 0, steps: int = 10, extra: Any = None) -> torch.Tensor:
    """The latent from step `first` on."""
    options = {} if hooks is None else {"hooks": hooks}
    positive, negative = prompt(1, "sd15", **options), prompt(2, "sd15", **options)
    if extra is not None:
        model, positive, negative = extra(model, positive, negative)
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(3.0)
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "sgm_uniform", steps)[first:]
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    euler = comfy.samplers.sampler_object("euler")
    return guider.sample(noise, torch.zeros_like(noise), euler, sigmas, seed=1, disable_pbar=True)


def said(caplog, word: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if word in record.getMessage()]


def test_a_lora_whose_curve_is_over_before_the_sampling_begins_is_told(sd15, scheduled, caplog) -> None:
    made = sampled(*scheduled("0:1, 0.5:1, 0.51:0, 1:0"), first=7)
    assert_alike(made, sampled(sd15, first=7))
    (told,) = said(caplog, "never acted")
    assert "one.safetensors" in told and "above 70%" in told


def test_the_steps_of_a_lora_are_said_at_the_end(scheduled, caplog) -> None:
    caplog.set_level(logging.INFO, logger="armature")
    sampled(*scheduled("0:1, 0.25:1, 0.26:0, 1:0"))
    (told,) = said(caplog, "acted in")
    assert "3 of 10 steps (steps 1 to 3 of 10)" in told
    caplog.clear()
    sampled(scheduled()[0])  # no curve, no line
    assert not said(caplog, "acted in")


def with_pictures(model: Any, positive: Any, negative: Any) -> Any:
    from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter

    inputs = {"image": picture(), "clip_vision": tiny_encoder(), "weight": 1.0}
    return ArmatureApplyIPAdapter.execute(model, adapter("base", "sd15"), **inputs).args[0], positive, negative


@pytest.mark.parametrize("extra", [None, with_pictures])
def test_extras_beside_hooks_are_what_they_are_beside_a_patched_model(extra, scheduled) -> None:
    """A curve that is 1 throughout is a LoRA in the model, on both prompts."""
    hooked = sampled(*scheduled("0:1, 0.999:1, 1:0.999"), steps=3, extra=extra)
    assert_alike(hooked, sampled(scheduled()[0], steps=3, extra=extra))
