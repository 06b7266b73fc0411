"""What never came to act is told at the end of a sampling, and in which steps the rest acted."""

from __future__ import annotations

import logging
from dataclasses import replace

import comfy.samplers
import pytest
from armature_pack.models.control.savings import Savings
from armature_pack.models.guidance.acting import ActingRecord, step_of, steps_in_words
from armature_pack.models.guidance.curve import Curve
from guiding import basic, cfg, distance, plain, with_control, with_host_control, with_ip_adapter


def part_of(run, steps=10, first=7, scheduler="sgm_uniform"):
    """The last steps of a sampling, as denoise below 1 takes them."""
    sigmas = comfy.samplers.calculate_sigmas(run.model.get_model_object("model_sampling"), scheduler, steps)
    return replace(run, sigmas=sigmas[first:])


def said(caplog, word):
    return [record.getMessage() for record in caplog.records if word in record.getMessage()]


EXTRAS = {
    "control": lambda run: with_control(run, end=0.6),
    "schedule": lambda run: with_control(run, schedule=Curve.from_text("0:1, 0.5:0, 1:0")),
    "every": lambda run: with_control(run, Savings(every=2, until=0.6)),
    "until": lambda run: with_control(run, Savings(until=0.3)),
    "ip_adapter": lambda run: with_ip_adapter(run, end_percent=0.6),
    "ip_adapter_schedule": lambda run: with_ip_adapter(run, schedule="0:1, 0.5:0, 1:0"),
}


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_never_came_to_act_is_one_told_line_with_the_range_that_was_sampled(extra, caplog):
    run = part_of(plain())
    made = EXTRAS[extra](run).sample(cfg)
    assert distance(made, run.sample(cfg)) < 1e-6
    (told,) = said(caplog, "never acted")
    assert "3 steps" in told and "70%" in told  # the range that was really run
    assert caplog.records[-1].levelno == logging.WARNING


def test_the_advice_helps(caplog):
    run = part_of(plain())
    with_control(run, end=0.6).sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "above 70%" in told
    caplog.clear()
    helped = with_control(run, end=0.72).sample(cfg)
    assert not said(caplog, "never acted") and distance(helped, run.sample(cfg)) > 0.001


@pytest.mark.parametrize(
    ("extra", "steps"),
    [
        (lambda run: with_control(run, start=0.25, end=0.55), "3 of 10 steps (steps 4 to 6 of 10)"),
        (lambda run: with_ip_adapter(run, start_percent=0.25, end_percent=0.55), "3 of 10 steps (steps 4 to 6 of 10)"),
        (with_control, "10 of 10 steps"),
    ],
)
def test_the_share_of_steps_is_said_at_the_end(extra, steps, caplog):
    caplog.set_level(logging.INFO, logger="armature")
    extra(part_of(plain(), first=0)).sample(cfg)
    (told,) = said(caplog, " acted in ")
    assert steps in told


def test_every_signal_of_a_stack_has_its_line(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    run = with_ip_adapter(with_control(with_control(part_of(plain(), first=0), end=0.3), start=0.8))
    run.sample(cfg)
    assert len(said(caplog, "acted in")) == 3


def test_a_signal_whose_conditioning_is_never_run_is_told(caplog):
    run = plain()
    controlled = with_control(run)
    replace(run, negative=controlled.negative).sample(cfg)  # which is run
    assert not said(caplog, "never acted")
    replace(run, negative=controlled.negative, cfg=1.0).sample(cfg)
    (told,) = said(caplog, "never acted")
    assert "cfg 1" in told


def test_an_interrupted_sampling_leaves_nothing_behind(caplog):
    run = with_control(part_of(plain(), first=0), end=0.4)
    guider = basic(run)

    def stop(*_):
        raise KeyboardInterrupt

    noise = run.latent_noise()
    with pytest.raises(KeyboardInterrupt):
        guider.sample(noise, noise * 0, comfy.samplers.sampler_object("euler"), run.sigmas, callback=stop, seed=1)
    caplog.clear()
    replace(run, sigmas=run.sigmas[7:]).sample(basic)
    assert len(said(caplog, "never acted")) == 1  # the step of the interrupted one is not counted


# Steps ------------------------------------------------------------------------------------------------------------


def test_steps_in_words():
    assert steps_in_words([2, 3, 4], 10) == "steps 3 to 5 of 10"
    assert steps_in_words([0], 10) == "step 1 of 10"
    assert steps_in_words([5, 0, 1], 10) == "steps 1 to 2, 6 of 10"
    assert steps_in_words([], 10) == "no step of 10"


def test_a_call_between_two_steps_belongs_to_the_nearest():
    sigmas = (14.6, 6.0, 2.0, 0.0)
    assert [step_of(sigma, sigmas) for sigma in (15.0, 14.6, 6.0, 5.0, 2.0, 0.5)] == [0, 0, 1, 1, 2, 2]


def test_a_record_is_read_once():
    record = ActingRecord()
    record.begin((3.0, 2.0, 1.0))
    record.saw(2.0, {}, acted=True)
    acting = record.finish()
    assert acting is not None and acting.steps == (1,) and acting.total == 2
    assert record.finish() is None


# A range of steps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("range_of", "count"), [("noise", 3), ("steps", 6)])
def test_with_karras_a_range_of_noise_holds_other_steps_than_one_of_steps(range_of, count, caplog):
    caplog.set_level(logging.INFO, logger="armature")
    run = part_of(plain(), first=0, scheduler="karras")
    with_control(run, start=0.2, end=0.8, range_of=range_of).sample(cfg)
    (told,) = said(caplog, "acted in")
    assert f"acted in {count} of 10 steps" in told


def test_a_range_of_steps_is_the_hosts_range_of_their_noise():
    """Steps 3 to 8 of 10, as the host's own node with the sigmas of these steps."""
    run = part_of(plain(), first=0, scheduler="karras")
    from armature_pack.models.guidance.progress import progress_of

    to_sigma = run.model.get_model_object("model_sampling").percent_to_sigma
    shares = [progress_of(float(sigma), to_sigma) for sigma in run.sigmas]
    start, end = (shares[1] + shares[2]) / 2, (shares[7] + shares[8]) / 2
    ours = with_control(run, start=0.2, end=0.8, range_of="steps").sample(cfg)
    assert distance(ours, with_host_control(run, start=start, end=end).sample(cfg)) < 1e-4


def test_a_range_of_all_steps_is_all_of_them():
    run = plain()
    assert distance(with_control(run, range_of="steps").sample(cfg), with_host_control(run).sample(cfg)) < 1e-6
