"""Every extra beside the host's patches of a MODEL, under its samplers, and over two samplers in a row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import comfy.samplers
import pytest
import torch
from armature_pack.models.guidance.layer_weights import LayerWeights
from comfy_extras.nodes_freelunch import FreeU_V2
from comfy_extras.nodes_hypertile import HyperTile
from comfy_extras.nodes_model_downscale import PatchModelAddDownscale
from guiding import EXTRAS, Run, cfg, control_net, distance, half_mask, plain, with_control, with_host_control

EXACT = 1e-4


def deep_shrink(model: Any, block: int = 3, after_skip: bool = True, end: float = 1.0) -> Any:
    return PatchModelAddDownscale.execute(model, block, 2.0, 0.0, end, after_skip, "bilinear", "bilinear").args[0]


PATCHES: dict[str, Callable[[Any], Any]] = {
    "free_u": lambda model: FreeU_V2.execute(model, 1.3, 1.4, 0.9, 0.2).args[0],
    "hypertile": lambda model: HyperTile.execute(model, 32, 2, 1, True)[0],
    "deep_shrink_behind_the_skip": deep_shrink,
    "deep_shrink_in_the_first_half": lambda model: deep_shrink(model, end=0.5),
}
# An extra that changes nothing gives what the host gives, under whatever patch.
NEUTRAL: dict[str, dict[str, Any]] = {
    "mask": {"mask": torch.ones(1, 8, 8)},
    "layer_weights": {"layer_weights": LayerWeights.from_text("middle: 1, output: 1")},
    "schedule": {"schedule": "0:1, 0.5:1.0, 1:1"},
}


@pytest.fixture(autouse=True)
def steady_choice():
    """HyperTile draws its tiles with the global generator."""
    torch.manual_seed(0)


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("extra", NEUTRAL)
def test_under_a_patch_a_neutral_extra_gives_what_the_host_gives(extra, patch):
    run = replace(plain(), model=PATCHES[patch](plain().model))
    settings = dict(NEUTRAL[extra])
    if extra == "schedule":
        from armature_pack.models.guidance.curve import Curve

        settings["schedule"] = Curve.from_text(settings["schedule"])
    torch.manual_seed(0)
    ours = with_control(run, **settings).sample(cfg)
    torch.manual_seed(0)
    host = with_host_control(run).sample(cfg)
    assert distance(ours, host) < EXACT


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("extra", ["mask", "halves", "ip_adapter", "ip_adapter_mask", "both"])
def test_under_a_patch_an_extra_acts_and_nothing_upstream_changes(extra, patch):
    run = replace(plain(), model=PATCHES[patch](plain().model))
    torch.manual_seed(0)
    before = run.sample(cfg)
    torch.manual_seed(0)
    made = EXTRAS[extra](run).sample(cfg)
    torch.manual_seed(0)
    assert torch.equal(run.sample(cfg), before)
    assert torch.isfinite(made).all() and distance(made, before) > 0.005


# Residuals that the host leaves out -----------------------------------------------------------------------------------


def shrunk(block: int, end: float = 1.0) -> Run:
    """Before the skip, where later residuals have no place."""
    return replace(plain(), model=deep_shrink(plain().model, block, after_skip=False, end=end))


@pytest.mark.parametrize(("block", "lost"), [(1, 6), (3, 4), (5, 2)])
def test_residuals_that_a_patch_leaves_no_place_for_are_told(block, lost, caplog):
    """The number that the host itself logs in a step."""
    caplog.set_level(logging.WARNING)
    with_control(replace(shrunk(block), steps=1)).sample(cfg)
    dropped = sum("control could not be applied" in record.getMessage() for record in caplog.records)
    told = [record.getMessage() for record in caplog.records if "of its residuals do not fit" in record.getMessage()]
    assert dropped == lost
    assert len(told) == 1 and f"{lost} of 7 " in told[0] and "nodes_model_downscale" in told[0]


def test_a_patch_that_acts_for_a_while_is_seen_while_it_acts(caplog):
    run = with_control(replace(shrunk(3, end=0.5), steps=3))
    run.sample(cfg)
    assert sum("of its residuals do not fit" in record.getMessage() for record in caplog.records) == 1
    caplog.clear()
    run.sample(cfg)  # again in the next sampling
    assert sum("of its residuals do not fit" in record.getMessage() for record in caplog.records) == 1


def test_where_all_of_them_fit_nothing_is_told(caplog):
    for patch in ("free_u", "hypertile"):
        with_control(replace(plain(), model=PATCHES[patch](plain().model))).sample(cfg)
    with_control(plain()).sample(cfg)
    assert "do not fit" not in caplog.text


def test_a_signal_that_loses_all_is_an_error(caplog):
    """A control net of another family beside such a patch is still found, in the call itself."""
    from armature_pack.tests.models.control.small import small_control_net

    full = plain("sd15")  # none of whose skips is as wide and high as what such a net gives
    run = replace(full, model=deep_shrink(full.model))
    with pytest.raises(ValueError, match="residuals do not fit"):
        with_control(run, net=small_control_net()).sample(cfg)


# Samplers ---------------------------------------------------------------------------------------------------------

SAMPLERS = ("euler", "heun", "dpmpp_2s_ancestral", "uni_pc", "lcm", "dpm_2")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_under_every_sampler_a_neutral_extra_gives_what_the_host_gives(sampler):
    run = replace(plain(), sampler=sampler, steps=3)
    host = with_host_control(run).sample(cfg)
    assert distance(with_control(run, mask=torch.ones(1, 8, 8)).sample(cfg), host) < EXACT
    without = run.sample(cfg)
    for name in ("curve", "halves", "ip_adapter_schedule"):
        assert distance(EXTRAS[name](run).sample(cfg), without) > 0.005


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"every"}))  # which computes anew in the second sampler
def test_two_samplers_in_a_row_give_what_one_gives(extra):
    """Split sigmas, as two SamplerCustomAdvanced or KSamplerAdvanced hand them over: every range and curve goes on."""
    run = replace(EXTRAS[extra](plain()), steps=4)
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "karras", 4)
    whole = replace(run, sigmas=sigmas).sample(cfg)
    first = replace(run, sigmas=sigmas[:3]).sample(cfg)
    second = replace(run, sigmas=sigmas[2:], latent=first, noise=0.0).sample(cfg)
    assert distance(second, whole) < 1e-4


def test_control_in_a_range_over_two_samplers():
    run = replace(with_control(plain(), start=0.2, end=0.7, mask=half_mask()), steps=4)
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "normal", 4)
    whole = replace(run, sigmas=sigmas).sample(cfg)
    first = replace(run, sigmas=sigmas[:2]).sample(cfg)
    assert distance(replace(run, sigmas=sigmas[1:], latent=first, noise=0.0).sample(cfg), whole) < 1e-4


def test_the_net_itself_is_never_changed():
    before = {name: value.clone() for name, value in control_net().control_model.state_dict().items()}
    for name in ("curve", "both", "conditional_only"):
        EXTRAS[name](plain()).sample(cfg)
    assert all(torch.equal(before[name], value) for name, value in control_net().control_model.state_dict().items())
