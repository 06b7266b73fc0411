"""Nothing of a run is left behind: branches, edits, interrupts, and hundreds of runs in one process."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import comfy.model_management
import comfy.sample
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import make_layer_weights

from .sampling import picture
from .small import small_bench, small_control_net

QUEUED, COUNTED = 100, 25
WIDE, SQUARE = picture(1, 64, 96), picture(2, 64, 64)


def sampled(run: Any, positive: Any, negative: Any, callback: Any = None, steps: int = 1) -> torch.Tensor:
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    return comfy.sample.sample(
        run.model, noise, steps, 3.0, "euler", "normal", positive, negative, torch.zeros_like(noise), seed=1,
        disable_pbar=True, callback=callback,
    )  # fmt: skip


@pytest.fixture
def run():
    return small_bench()


def rich_stack(weight: float = 0.8, wide: torch.Tensor = WIDE) -> ControlStack:
    """Every extra at once: mask, fit, curve by budget, weights by layer, half and frame."""
    net = small_control_net(1)
    layers = make_layer_weights("favour_prompt", 0.9, "input.0: 0.5", unconditional=0.5)
    mask = torch.linspace(0, 1, 64).expand(1, 64, 64)
    first = ControlSignal(
        net, wide, weight=weight, fit="pad", mask=mask, layer_weights=layers,
        frame_weights=FrameWeights.from_text("0: 0.9"),
    )  # fmt: skip
    return ControlStack((first, ControlSignal(net, SQUARE, weight=0.5)), "normalize", 1.0)


def result(run, stack: ControlStack) -> torch.Tensor:
    applied = apply_stack(run.positive, run.negative, stack, savings=Savings(every=2))
    return sampled(run, applied.positive, applied.negative, steps=2)


def test_a_branch_an_edit_and_a_bypass_each_depend_on_their_own_stack_alone(run):
    before = sampled(run, run.positive, run.negative, steps=2)
    first = result(run, rich_stack())
    edited = result(run, rich_stack(weight=0.3))
    again = result(run, rich_stack())
    assert torch.equal(first, again) and not torch.equal(first, edited)
    assert torch.equal(result(run, ControlStack()), before)
    assert torch.equal(sampled(run, run.positive, run.negative, steps=2), before)


def test_an_interrupted_run_changes_nothing_in_the_next(run):
    stack = rich_stack()
    applied = apply_stack(run.positive, run.negative, stack, savings=Savings(every=2))
    expected = result(run, rich_stack())

    def interrupt(*_: Any) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()

    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sampled(run, applied.positive, applied.negative, interrupt, steps=2)
    comfy.model_management.interrupt_current_processing(False)
    assert torch.equal(sampled(run, applied.positive, applied.negative, steps=2), expected)


def test_a_hundred_runs_leave_memory_flat(run):
    counts: list[int] = []
    links: list[weakref.ref[SignalControl]] = []
    for number in range(QUEUED):
        map_of_now = WIDE if number % 10 else WIDE.clone()  # now and then the map is a new one too
        applied = apply_stack(run.positive, run.negative, rich_stack(0.5 + number / 1000, map_of_now))
        links.append(weakref.ref(applied.positive[0][1]["control"]))
        sampled(run, applied.positive, applied.negative)
        del applied, map_of_now
        if number % COUNTED == COUNTED - 1:
            gc.collect()
            counts.append(sum(1 for one in gc.get_objects() if issubclass(type(one), torch.Tensor)))
    assert max(counts[1:]) - counts[0] <= 2, f"tensors alive after each {COUNTED} runs: {counts}"
    assert sum(link() is not None for link in links) <= 1


def test_the_net_that_was_loaded_is_as_it_was(run):
    net = small_control_net(1)
    before = {name: value for name, value in vars(net).items() if not isinstance(value, torch.nn.Module)}
    result(run, rich_stack())
    after = {name: value for name, value in vars(net).items() if not isinstance(value, torch.nn.Module)}
    assert before.keys() == after.keys() and all(before[name] is after[name] for name in before)
