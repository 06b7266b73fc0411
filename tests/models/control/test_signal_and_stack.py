"""Records: what a signal and a stack accept, refuse and remember."""

from __future__ import annotations

import math

import comfy.controlnet
import pytest
import torch
from armature_pack.models.control.collect import collect_stack, read_control_net_stack
from armature_pack.models.control.decision import decide
from armature_pack.models.control.residuals import budget_factor, region
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.batch_view import BatchView
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.guidance.progress import Progress

IMAGE = torch.rand(1, 8, 8, 3)
ONE = BatchView((0,), 1, None)


def signal(**settings) -> ControlSignal:
    return ControlSignal(comfy.controlnet.ControlBase(), IMAGE, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight": 11}, "weight: 11 lies outside 0 to 10"),
        ({"weight": math.nan}, "weight: nan"),
        ({"start": -0.1}, "start_percent"),
        ({"end": 1.1}, "end_percent"),
        ({"start": 0.6, "end": 0.2}, "starts at 0.6 and ends at 0.2"),
        ({"fit": "squeeze"}, '"squeeze" is not one of crop, stretch, pad'),
        ({"on_invalid": "ignore"}, '"ignore" is not one of warn, skip, error'),
        ({"mask": torch.full((1, 4, 4), math.nan)}, "not numbers"),
        ({"mask": torch.zeros(0, 4, 4)}, "at least one pixel"),
        ({"layer_weights": {"input.0": 1}}, "LAYER_WEIGHTS are wanted, not dict"),
    ],
)
def test_a_signal_that_cannot_be_is_refused_by_name(settings, words):
    with pytest.raises(ValueError, match="Control signal") as error:
        signal(**settings)
    assert words in str(error.value)


@pytest.mark.parametrize("net", [None, "net.safetensors", torch.nn.Linear(1, 1)])
def test_a_thing_that_is_no_control_net_is_refused(net):
    with pytest.raises(ValueError, match="control net is wanted"):
        ControlSignal(net, IMAGE)


def test_a_signal_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        signal().weight = 0.1  # type: ignore[misc]


def test_weight_follows_range_and_schedule():
    one = signal(weight=0.5, start=0.2, end=0.8, schedule=Curve.from_text("0:0, 1:1"))
    assert [one.weight_at(Progress(progress)) for progress in (0.1, 0.2, 0.5, 0.8, 0.9)] == pytest.approx(
        [0, 0.1, 0.25, 0.4, 0]
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight": 0.0}, "its weight is 0"),
        ({"start": 0.4, "end": 0.4}, "its range is empty"),
        ({"mask": torch.zeros(1, 4, 4)}, "its mask is all black"),
        ({"frame_weights": FrameWeights.from_text("0: 0, -1: 0")}, "0 on every frame"),
        ({"layer_weights": LayerWeights(conditional=0.0, unconditional=0.0)}, "0 on both halves"),
    ],
)
def test_a_signal_that_cannot_act_is_left_out_and_told(settings, words):
    (decided,) = decide(ControlStack((signal(**settings),)))
    assert decided.image is None and words in decided.told


def test_signals_are_collected_in_order_and_empty_slots_are_passed_over():
    a, b, c = signal(), signal(), signal()
    first = collect_stack("none", 1.0, None, None, {"signal_0": a})
    both = collect_stack("strongest", 2.0, first, None, {"signal_10": c, "signal_2": b, "signal_3": None})
    assert both.signals == (a, b, c) and (both.balance, both.budget) == ("strongest", 2.0)
    assert first.signals == (a,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("loudest", 1.0, None, None, {}), '"loudest" is not one of none, normalize, strongest'),
        (("none", 0.0, None, None, {}), "budget"),
        (("none", 1.0, "stack", None, {}), "Input previous: a control stack is wanted, not str"),
        (("none", 1.0, None, None, {"signal_0": 5}), "signals.signal_0: a control signal is wanted, not int"),
        (("none", 1.0, None, None, {"depth": signal()}), "no input signals.depth"),
    ],
)
def test_a_stack_that_cannot_be_is_refused_by_name(arguments, words):
    with pytest.raises(ValueError, match=r".") as error:
        collect_stack(*arguments)
    assert words in str(error.value)


def test_a_previous_balance_that_gives_way_is_told(caplog):
    before = collect_stack("normalize", 1.0, None, None, {"signal_0": signal()})
    collect_stack("none", 1.0, before, None, {})
    assert "previous stack's balance (normalize) gives way" in caplog.text


def test_normalize_keeps_the_sum_of_weights_under_the_budget():
    signals = (signal(weight=0.9), signal(weight=0.6, end=0.5))
    stack = ControlStack(signals, "normalize", 1.0)
    assert budget_factor(stack, Progress(0.2)) == pytest.approx(1 / 1.5)
    assert budget_factor(stack, Progress(0.9)) == 1.0  # only one acts, and it stays under the budget
    assert budget_factor(ControlStack(signals, "none"), Progress(0.2)) == 1.0


def test_strongest_gives_each_place_to_one_signal():
    left = torch.zeros(1, 4, 4)
    left[:, :, :2] = 1
    strong, weak = signal(weight=0.9, mask=left), signal(weight=0.5)
    stack = ControlStack((strong, weak), "strongest")
    latent = torch.zeros(1, 4, 4, 4)
    assert torch.equal(region(stack, strong, Progress(0.5), latent, ONE), left)
    assert torch.equal(region(stack, weak, Progress(0.5), latent, ONE), 1 - left)


def test_equal_signals_never_both_act_under_strongest():
    a, b = signal(), signal()
    stack = ControlStack((a, b), "strongest")
    latent = torch.zeros(1, 4, 2, 2)
    assert (
        region(stack, a, Progress(0.0), latent, ONE).min() == 1
        and region(stack, b, Progress(0.0), latent, ONE).max() == 0
    )


def test_both_dialects_of_control_net_stack_are_read_and_left_alone():
    net = comfy.controlnet.ControlBase()
    rows = [(net, IMAGE, 0.7, 0.1, 0.9), None, ("None", IMAGE, 1, 0, 1)]
    before = list(rows)
    (read,) = read_control_net_stack(rows)
    assert (read.control_net, read.weight, read.start, read.end) == (net, 0.7, 0.1, 0.9)
    (seven,) = read_control_net_stack([(net, 0.4, 0.0, 0.5, 0.0, IMAGE, True)])
    assert (seven.weight, seven.end) == (0.4, 0.5)
    assert rows == before and read_control_net_stack(None) == ()


def test_a_stack_says_which_dialects_it_read():
    net = comfy.controlnet.ControlBase()
    rows = [(net, IMAGE, 0.7, 0.1, 0.9), None, (net, 0.4, 0.0, 0.5, 0.0, IMAGE, True), (net, IMAGE, 1.0, 0.0, 1.0)]
    stack = collect_stack("none", 1.0, None, rows, {})
    assert len(stack.signals) == 3
    assert (
        "2 rows of 5 items" in stack.notes[0]
        and "1 row of 7 items" in stack.notes[1]
        and "1 row is off" in stack.notes[2]
    )
    later = collect_stack("none", 1.0, stack, None, {})
    assert later.notes == stack.notes and collect_stack("none", 1.0, None, None, {}).notes == ()


def test_an_unknown_dialect_is_named_by_row():
    with pytest.raises(ValueError, match=r"row 2 \(3 items\)"):
        read_control_net_stack([None, (1, 2, 3)])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((comfy.controlnet.ControlBase(), None, 0.7, 0.1, 0.9), "row 2 has no image"),
        ((comfy.controlnet.ControlBase(), IMAGE, None, 0.1, 0.9), "row 2 .*None"),
        ((comfy.controlnet.ControlBase(), IMAGE, 70.0, 0.1, 0.9), "row 2: .*weight: 70.0 lies outside"),
        ((comfy.controlnet.ControlBase(), 0.7, 0.1, 0.9, IMAGE), "none of the known kinds"),
        ((comfy.controlnet.ControlBase(), IMAGE), "or Control Signals instead"),
    ],
)
def test_what_is_wrong_with_a_row_is_named_with_the_row(row, words):
    with pytest.raises(ValueError, match=words):
        read_control_net_stack([None, row])
