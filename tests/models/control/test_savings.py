"""Savings: what is left out is left out exactly, and nothing else changes."""

from __future__ import annotations

import weakref

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import (
    PROFILES,
    ResidualMemory,
    Savings,
    check_savings,
    described,
    find_profile,
)
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack

from .links import call, link, seen, window
from .sampling import bench, control_net, picture


def first(out) -> list[float]:
    return out["output"][0][:, 0, 0, 0].tolist()


def test_every_second_step_uses_the_residuals_of_the_step_before():
    made = link(savings=Savings(every=2))
    outs = [call(made, sigma=sigma) for sigma in (900.0, 700.0, 500.0, 300.0)]
    assert len(seen(made)) == 2 and all(first(out) == [1, 1] for out in outs)


def test_kept_residuals_follow_the_weight_of_their_step():
    from armature_pack.models.guidance.curve import Curve

    made = link(savings=Savings(every=3), schedule=Curve.from_text("0:1, 1:0"))
    values = [first(call(made, sigma=sigma))[0] for sigma in (900.0, 600.0, 300.0)]
    assert values == pytest.approx([0.9, 0.6, 0.3], abs=1e-5) and len(seen(made)) == 1


def test_parts_of_the_batch_and_windows_keep_residuals_of_their_own():
    made = link(images=4, savings=Savings(every=2))
    for sigma in (900.0, 700.0):
        for frames in ([0, 1], [2, 3]):
            call(made, pictures=2, sigma=sigma, context_window=window(frames, 4))
    assert [run["first"][0] for run in seen(made)] == pytest.approx([0, 0.02])


def test_residuals_that_are_too_old_are_let_go_of_though_their_window_never_comes_again():
    memory, inner = ResidualMemory(every=2), link().inner
    kept = []
    for step in range(4):
        memory.at(900.0 - step)
        for part in ("first window", "second window"):
            residual = torch.ones(1)
            memory.keep((step, part), {"output": [residual]}, inner)
            kept.append(weakref.ref(residual))
            del residual
    assert [one() is not None for one in kept] == [False] * 4 + [True] * 4
    assert memory.recall((2, "first window"), inner) is not None


def test_a_new_sampling_starts_afresh():
    made = link(savings=Savings(every=5))
    call(made, sigma=900.0)
    model, percent_to_sigma = made._model, made._percent_to_sigma
    made.cleanup()
    made.pre_run(model, percent_to_sigma)
    call(made, sigma=900.0)
    assert len(seen(made)) == 2


def test_control_stops_at_its_share_of_the_sampling():
    made = link(savings=Savings(until=0.5))
    assert call(made, sigma=510.0) is not None and call(made, sigma=490.0) is None


def test_the_conditional_half_alone_is_the_host_on_the_positive_conditioning_alone(generated):
    run = bench(generated("sd15_checkpoint"))
    one = ControlSignal(control_net(generated("sd15_controlnet_canny")), picture(4), weight=0.7)
    both = apply_stack(run.positive, run.negative, ControlStack((one,)), savings=Savings(conditional_only=True))
    saved = run.latent(both.positive, both.negative)
    apart = run.latent(apply_stack(run.positive, run.negative, ControlStack((one,))).positive, run.negative)
    assert torch.allclose(saved, apart, atol=1e-4 * float(apart.abs().max()))


def test_reuse_changes_the_picture_and_every_first_step_does_not(generated):
    run = bench(generated("sd15_checkpoint"))
    stack = ControlStack((ControlSignal(control_net(generated("sd15_controlnet_canny")), picture(4), weight=0.7),))

    def latent(savings):
        applied = apply_stack(run.positive, run.negative, stack, savings=savings)
        return run.latent(applied.positive, applied.negative)

    plain = latent(Savings())
    assert not torch.equal(latent(Savings(every=2)), plain)
    assert torch.equal(latent(Savings(until=1.0)), plain)


@pytest.mark.parametrize(("settings", "words"), [({"every": 0}, "every: 0"), ({"until": 1.5}, "until: 1.5")])
def test_savings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Savings(**settings)
    with pytest.raises(ValueError, match="CONTROL_SAVINGS are wanted, not str"):
        check_savings("fast")


def test_profiles_name_samplers_that_the_host_has():
    import comfy.samplers

    for name, profile in PROFILES.items():
        assert profile.sampler in comfy.samplers.SAMPLER_NAMES and profile.scheduler in comfy.samplers.SCHEDULER_NAMES
        assert str(profile.steps) in described(find_profile(name))
    with pytest.raises(ValueError, match='"quick" is not one of fast, balanced, high_fidelity'):
        find_profile("quick")
