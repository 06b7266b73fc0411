"""The report and the plot: what they say each signal gets is what it gets when the stack is sampled."""

from __future__ import annotations

import comfy.model_sampling
import comfy.samplers
import pytest
import torch
from armature_pack.models.control import signal_control as links
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.plot import WIDTH, plotted
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.timeline import described, timeline
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.guidance.progress import step_sigmas
from comfy.controlnet import ControlBase

from .sampling import bench, control_net, picture

SCHEDULE = comfy.model_sampling.ModelSamplingDiscrete()


def signal(**settings) -> ControlSignal:
    return ControlSignal(ControlBase(), torch.rand(1, 8, 8, 3), **settings)


def sigmas(steps: int = 10, scheduler: str = "normal") -> list[float]:
    return comfy.samplers.calculate_sigmas(SCHEDULE, scheduler, steps).tolist()[:-1]


def test_the_balance_and_the_range_are_in_the_numbers():
    stack = ControlStack((signal(weight=0.9), signal(weight=0.6, end=0.5), signal(weight=0.0)), "normalize", 1.0)
    line = timeline(stack, sigmas(), SCHEDULE)
    assert line.rows[0].weights[0] == pytest.approx(0.6) and line.rows[1].weights[0] == pytest.approx(0.4)
    assert line.rows[0].weights[-1] == pytest.approx(0.9) and line.rows[1].weights[-1] == 0
    assert len(line.rows) == 2 and "its weight is 0" in line.left_out[0]
    assert line.totals[0] == pytest.approx(1.0)


def test_what_the_report_says_is_what_the_nets_get(generated, monkeypatch):
    """Three Euler steps of a real sampling, the strengths written down as they are handed to the inner nets."""
    run = bench(generated("sd15_checkpoint"))
    net = control_net(generated("sd15_controlnet_canny"))
    signals = (
        ControlSignal(net, picture(1), weight=0.9, schedule=Curve.from_text("fade out")),
        ControlSignal(net, picture(2), weight=0.7, start=0.2, end=0.9),
    )
    stack = ControlStack(signals, "normalize", 1.2)
    seen: dict[str, list[float]] = {}
    call = links.InnerCall.residuals

    def noted(self, arguments, items):
        seen.setdefault(str(signals.index(_signal_of(self.inner, signals))), []).append(self.inner.strength)
        return call(self, arguments, items)

    monkeypatch.setattr(links.InnerCall, "residuals", noted)
    applied = apply_stack(run.positive, run.negative, stack)
    run.latent(applied.positive, applied.negative)
    line = timeline(stack, step_sigmas(run.model, "normal", 3), run.model.get_model_object("model_sampling"))
    for number, row in enumerate(line.rows):
        assert seen[str(number)] == [weight for weight in row.weights if weight]


def _signal_of(inner, signals):
    return next(one for one in signals if torch.equal(inner.cond_hint_original.movedim(1, -1), one.image))


def test_savings_and_idle_signals_are_told():
    stack = ControlStack((signal(weight=0.5), signal(start=0.999, end=1.0)))
    line = timeline(stack, sigmas(4, "karras"), SCHEDULE, Savings(until=0.3))
    assert line.rows[0].weights[-1] == 0 and line.rows[0].weights[0] == 0.5
    assert "[2] acts in no step" in described(line)
    assert "No signal" in described(timeline(ControlStack(), sigmas(), SCHEDULE))


def test_sigmas_are_those_of_the_sampler(generated):
    run = bench(generated("sd15_checkpoint"))
    full = comfy.samplers.KSampler(run.model, 5, torch.device("cpu"), "euler", "karras", 1.0).sigmas
    assert step_sigmas(run.model, "karras", 5) == full[:-1].tolist()
    part = comfy.samplers.KSampler(run.model, 5, torch.device("cpu"), "euler", "karras", 0.4).sigmas
    assert step_sigmas(run.model, "karras", 5, 0.4) == part[:-1].tolist()
    assert step_sigmas(run.model, "karras", 5, 0.0) == []
    assert step_sigmas(run.model, "", 0, sigmas=full) == full[:-1].tolist()
    with pytest.raises(ValueError, match="SIGMAS are wanted, not str"):
        step_sigmas(run.model, "karras", 5, sigmas="karras")
    with pytest.raises(ValueError, match='"fast" is not one of'):
        step_sigmas(run.model, "fast", 5)


@pytest.mark.parametrize("count", [0, 1, 3, 32])
def test_the_plot_draws_every_signal_in_a_colour_of_its_own(count):
    stack = ControlStack(tuple(signal(weight=(i + 1) / 40) for i in range(count)), "normalize", 4.0)
    image = plotted(timeline(stack, sigmas(), SCHEDULE))
    assert image.shape[0] == 1 and image.shape[2:] == (WIDTH, 3) and image.min() >= 0 and image.max() <= 1
    blue = (image - torch.tensor([0, 114, 178]) / 255).abs().amax(-1) < 0.02
    assert bool(blue.any()) == (count > 0)


def test_a_plot_of_no_steps_is_still_a_picture():
    assert plotted(timeline(ControlStack((signal(),)), [], SCHEDULE)).shape[2] == WIDTH
