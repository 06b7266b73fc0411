"""What somebody found who tried to break roles, steps and told lines; each case stands for its kind."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import comfy.model_sampling
import comfy.samplers
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.timeline import timeline
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.tests.models.control.sampling import picture
from guiding import (
    DUAL_MODEL,
    basic,
    cfg,
    cfg_1,
    control_net,
    distance,
    plain,
    with_control,
    with_host_control,
    with_ip_adapter,
)
from other_nodes import attention_couple


def said(caplog, word: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if word in record.getMessage()]


class Flow(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
    """As Flux and SD 3 are sampled: sigmas whose rounding lies on the ends of usual ranges."""


def flow() -> Any:
    run = plain()
    model = run.model.clone()
    sampling = Flow(model.model.model_config)
    sampling.set_parameters(shift=1.0)
    model.add_object_patch("model_sampling", sampling)
    sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", 10)
    return replace(run, model=model, sigmas=sigmas, cfg=1.0)


@pytest.mark.parametrize(("start", "end"), [(0.2, 1.0), (0.0, 0.3), (0.4, 0.41), (0.1, 0.9)])
def test_a_step_on_the_end_of_a_range_is_one_for_control_pictures_and_plot_alike(start, end, caplog):
    caplog.set_level(logging.INFO, logger="armature")
    run = flow()
    signal = ControlSignal(control_net(), picture(3), weight=1.0, start=start, end=end)
    (row,) = timeline(
        ControlStack((signal,)), run.sigmas[:-1].tolist(), run.model.get_model_object("model_sampling")
    ).rows
    with_control(run, start=start, end=end).sample(basic)
    (control,) = said(caplog, "acted")
    caplog.clear()
    with_ip_adapter(run, start_percent=start, end_percent=end).sample(basic)
    (pictures,) = said(caplog, "acted")
    assert row.steps_in_words in control and row.steps_in_words in pictures


@pytest.mark.skipif(DUAL_MODEL is None, reason="an older host without Dual Model CFG Guider")
def test_an_adapter_on_a_model_that_is_sampled_with_anothers_options_is_told(caplog):
    run = plain()
    guider = DUAL_MODEL(run.model, with_ip_adapter(run).model)
    guider.set_conds(run.positive, run.negative)
    guider.set_cfg(run.cfg)
    made = run.sample(lambda _run: guider)
    assert distance(made, run.sample(cfg)) < 1e-4
    assert len(said(caplog, "does not act")) == 1
    caplog.clear()
    with_ip_adapter(run).sample(cfg)
    assert not said(caplog, "does not act")


def test_a_function_that_calls_the_network_with_options_of_its_own_keeps_the_halves():
    def alone(args: Any) -> torch.Tensor:
        (made,) = comfy.samplers.calc_cond_batch(args["model"], [args["uncond"]], args["input"], args["sigma"], {})
        return args["denoised"] + (args["uncond_denoised"] - made) * 3 + made * 0.1

    def patched(run: Any) -> Any:
        model = run.model.clone()
        model.set_model_sampler_post_cfg_function(alone, disable_cfg1_optimization=True)
        return replace(run, model=model)

    ours = patched(with_control(plain(), Savings(conditional_only=True)))
    host = patched(with_host_control(plain(), negative=False))
    assert distance(ours.sample(cfg), host.sample(cfg)) < 1e-4


def test_sigmas_that_come_twice_are_steps_of_their_own(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    run = plain()
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "karras", 6)
    again = torch.cat((sigmas[:4], sigmas[2:4], sigmas[4:]))
    with_control(replace(run, sigmas=again), start=0.5, end=1.0, range_of="steps").sample(cfg)
    (told,) = said(caplog, "acted in")
    assert "4 of 8 steps (steps 5 to 8 of 8)" in told


def stacked(*signals: ControlSignal, balance: Any = "none") -> Any:
    run = plain()
    applied = apply_stack(run.positive, run.negative, ControlStack(signals, balance))
    return replace(run, positive=applied.positive, negative=applied.negative)


def test_what_has_no_place_left_never_acted(caplog):
    mask = torch.zeros(1, 128, 256)
    mask[:, :, :40] = 1  # all of it is cropped away with the map
    stacked(ControlSignal(control_net(), picture(3, 128, 256), weight=1.0, mask=mask)).sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "mask" in told and "range" not in told, "no other range would help"
    caplog.clear()
    strong = ControlSignal(control_net(), picture(3), weight=1.0)
    weak = ControlSignal(control_net(), picture(4), weight=0.5)
    stacked(strong, weak, balance="strongest").sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "Control signal 2 of 2" in told and "strongest" in told and "range" not in told


def test_texts_that_are_repeated_to_the_length_of_a_longer_one():
    run = replace(plain(), cfg=2.0)
    twice = [run.positive[0][0].repeat(1, 2, 1)] * 2
    alone = with_ip_adapter(run)

    def lengthening(query: Any, key: Any, value: Any, options: Any) -> Any:
        return query, key.repeat(1, 2, 1), value.repeat(1, 2, 1)

    model = alone.model.clone()
    model.set_model_attn2_patch(lengthening)  # the same text twice is the same attention
    model = attention_couple(model, twice, lambda options, number: options["cond_or_uncond"][number] == 0)
    assert distance(replace(alone, model=model).sample(cfg), alone.sample(cfg)) < 1e-4


@pytest.mark.parametrize("extra", [with_control, with_ip_adapter])
def test_the_negative_half_alone_at_cfg_1_says_that_it_was_not_run(extra, caplog):
    extra(plain(), layer_weights=LayerWeights(conditional=0.0)).sample(cfg_1)
    (told,) = said(caplog, "never acted")
    assert "cfg" in told


def test_savings_are_named_where_they_are_the_limit(caplog):
    run = plain()
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "sgm_uniform", 10)[7:]
    with_control(replace(run, sigmas=sigmas), Savings(every=2, until=0.6)).sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "Profile" in told and told.index("Profile") < 120  # a node shows no more of it


def test_a_patch_behind_the_middle_block_is_behind_the_residual(caplog):
    model = plain().model.clone()
    model.set_model_patch(
        lambda given: {**given, "h": torch.nn.functional.interpolate(given["h"], scale_factor=2)},
        "middle_block_after_patch",
    )
    model.set_model_output_block_patch(
        lambda h, skip, options: (
            torch.nn.functional.interpolate(h, skip.shape[-2:]) if h.shape[-2:] != skip.shape[-2:] else h,
            skip,
        )
    )
    with_control(replace(plain(), model=model)).sample(cfg)
    assert not said(caplog, "do not fit")


def test_an_interrupted_sampling_leaves_a_link_as_it_was():
    run = with_control(plain())
    link = run.positive[0][1]["control"]
    before = set(vars(link))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "normal", 2)
    noise = run.latent_noise()
    with pytest.raises(KeyboardInterrupt):
        cfg(run).sample(noise, noise * 0, comfy.samplers.sampler_object("euler"), sigmas, callback=stop, seed=1)
    assert set(vars(link)) == before and link._model is None


def test_adding_noise_gets_no_advice_for_taking_it_away(caplog):
    run = plain()
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), "normal", 4)[:-1].flip(0)
    with_control(replace(run, sigmas=sigmas), start=0.05, end=0.06).sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "denoise more" not in told
