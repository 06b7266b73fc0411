"""A stack without extras gives, bit for bit, what the host's own chain of ControlNetApplyAdvanced gives.

Files of every layout go through the host's loaders; what follows from there on is tried on small networks.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.host import host_nodes

from .sampling import bench, conditioning, control_net, picture
from .small import small_bench, small_control_net

CASES = {
    "LDM layout": ("sd15_checkpoint", ["sd15_controlnet_canny", "sd15_controlnet_depth", "sd15_controlnet_canny"]),
    "diffusers layout": ("sd15_xs_checkpoint", ["sd15_xs_controlnet_diffusers"] * 3),
    "T2I-Adapter": ("sd15_t2i_base", ["sd15_t2i_adapter"] * 3),
}


def native(positive: Any, negative: Any, signals: list[ControlSignal]) -> tuple[Any, Any]:
    for one in signals:
        positive, negative = (
            host_nodes()
            .ControlNetApplyAdvanced()
            .apply_controlnet(positive, negative, one.control_net, one.image, one.weight, one.start, one.end)
        )
    return positive, negative


def ours(positive: Any, negative: Any, signals: list[ControlSignal], **stack: Any) -> tuple[Any, Any]:
    applied = apply_stack(positive, negative, ControlStack(tuple(signals), **stack))
    return applied.positive, applied.negative


@pytest.mark.parametrize(
    ("case", "count"),
    [("LDM layout", 1), ("LDM layout", 2), ("LDM layout", 3), ("diffusers layout", 2), ("T2I-Adapter", 3)],
)
def test_bit_equal_to_the_host(case, count, generated):
    base, nets = CASES[case]
    run = bench(generated(base))
    settings = [(1.0, 0.0, 1.0), (1.0, 0.0, 1.0), (0.6, 0.2, 0.7)]
    signals = [
        ControlSignal(control_net(generated(net)), picture(i), weight=w, start=s, end=e)
        for i, (net, (w, s, e)) in enumerate(zip(nets, settings, strict=True))
    ][:count]
    steps = 3 if count == 3 else 1  # the third signal's range covers the second of three steps
    uncontrolled = run.latent(run.positive, run.negative, steps=steps)
    theirs = run.latent(*native(run.positive, run.negative, signals), steps=steps)
    assert not torch.equal(theirs, uncontrolled), "the control net must act for the comparison to mean anything"
    assert torch.equal(run.latent(*ours(run.positive, run.negative, signals), steps=steps), theirs)


def lone(**settings: Any) -> ControlSignal:
    settings.setdefault("weight", 1.0)
    return ControlSignal(small_control_net(), picture(7), **settings)


@pytest.fixture
def run():
    return small_bench()


def test_separate_conds_batches_and_other_aspects_are_bit_equal_too(run):
    size = (6, 12)
    signals = [lone(), lone(weight=0.5, end=0.6)]
    # Two positive conds of different length cannot share a batch, so each runs on its own.
    positive = run.positive + conditioning(3, tokens=154)
    theirs = run.latent(*native(positive, run.negative, signals), batch=2, size=size)
    assert torch.equal(run.latent(*ours(positive, run.negative, signals), batch=2, size=size), theirs)


def test_area_conds_are_bit_equal_too(run):
    signals = [lone()]
    area = [[run.positive[0][0], {"area": (4, 4, 2, 2), "strength": 1.0}], *conditioning(3)]
    theirs = run.latent(*native(area, run.negative, signals))
    assert torch.equal(run.latent(*ours(area, run.negative, signals)), theirs)


def test_it_chains_onto_control_that_the_conditioning_carries_already(run):
    first, second = lone(), lone(weight=0.4)
    theirs = run.latent(*native(*native(run.positive, run.negative, [first]), [second]))
    mixed = run.latent(*ours(*native(run.positive, run.negative, [first]), [second]))
    behind = run.latent(*native(*ours(run.positive, run.negative, [first]), [second]))
    assert torch.equal(mixed, theirs) and torch.equal(behind, theirs)


def test_nothing_upstream_ever_changes(run):
    """Branch, apply twice, edit: each result depends on its own stack alone."""
    before = run.latent(run.positive, run.negative)
    signals = [lone()]
    first = run.latent(*ours(run.positive, run.negative, signals))
    branch = run.latent(*ours(run.positive, run.negative, signals))
    edited = run.latent(*ours(run.positive, run.negative, [lone(weight=0.3)]))
    assert torch.equal(first, branch) and not torch.equal(first, edited)
    assert torch.equal(run.latent(run.positive, run.negative), before)
    assert torch.equal(run.latent(*ours(run.positive, run.negative, signals)), first)
    net = small_control_net()
    assert net.cond_hint_original is None and net.strength == 1.0 and net.previous_controlnet is None


def test_two_samplings_of_one_result_are_equal(run):
    """The links are cleaned up after a run, so nothing of it is left for the next."""
    conds = ours(run.positive, run.negative, [lone(fit="stretch"), lone(weight=0.5)])
    assert torch.equal(run.latent(*conds, size=(6, 10)), run.latent(*conds, size=(6, 10)))
    assert torch.equal(run.latent(*conds), run.latent(*conds))


def test_a_weight_of_zero_or_an_empty_stack_leaves_the_conditioning_alone(run):
    for signals in ([], [lone(weight=0.0)]):
        positive, negative = ours(run.positive, run.negative, signals)
        assert positive is run.positive and negative is run.negative


def test_a_constant_schedule_is_the_weight(run):
    from armature_pack.models.guidance.curve import Curve

    half = run.latent(*ours(run.positive, run.negative, [lone(weight=0.5)]))
    curve = run.latent(*ours(run.positive, run.negative, [lone(schedule=Curve.from_text("0:0.5"))]))
    assert torch.equal(half, curve)


def test_a_schedule_that_falls_to_zero_is_the_range(run):
    from armature_pack.models.guidance.curve import Curve

    # Three steps of the normal schedule lie at 0, about 1/3 and about 2/3 of the sampling.
    ranged = run.latent(*ours(run.positive, run.negative, [lone(end=0.2)]))
    curve = run.latent(*ours(run.positive, run.negative, [lone(schedule=Curve.from_text("0:1, 0.2:1, 0.25:0"))]))
    assert torch.equal(ranged, curve)


def test_a_mask_of_ones_changes_nothing_and_of_zeros_removes_the_signal(run):
    whole = run.latent(*ours(run.positive, run.negative, [lone()]))
    ones = run.latent(*ours(run.positive, run.negative, [lone(mask=torch.ones(1, 40, 40))]))
    zeros = run.latent(*ours(run.positive, run.negative, [lone(mask=torch.zeros(1, 40, 40))]))
    assert torch.equal(ones, whole)
    assert torch.equal(zeros, run.latent(run.positive, run.negative))


def test_layer_weights_of_zero_remove_the_signal(run):
    from armature_pack.models.guidance.layer_weights import LayerWeights

    silent = LayerWeights.from_text("input: 0, middle: 0")
    none = run.latent(*ours(run.positive, run.negative, [lone(layer_weights=silent)]))
    assert torch.equal(none, run.latent(run.positive, run.negative))


def test_normalize_is_the_smaller_weight(run):
    pair = [lone(), lone()]
    halves = run.latent(*ours(run.positive, run.negative, [lone(weight=0.5), lone(weight=0.5)]))
    assert torch.equal(run.latent(*ours(run.positive, run.negative, pair, balance="normalize", budget=1.0)), halves)


def test_strongest_is_the_strongest_alone(run):
    strong, weak = (
        lone(),
        ControlSignal(small_control_net(2), picture(8), weight=0.5),
    )
    alone = run.latent(*ours(run.positive, run.negative, [strong]))
    assert torch.equal(run.latent(*ours(run.positive, run.negative, [weak, strong], balance="strongest")), alone)


def test_a_skipped_signal_takes_no_share_and_a_signal_linked_twice_is_two(run):
    alone = run.latent(*ours(run.positive, run.negative, [lone()]))
    blank = ControlSignal(small_control_net(), torch.zeros(1, 64, 64, 3), on_invalid="skip")
    assert torch.equal(run.latent(*ours(run.positive, run.negative, [blank, lone()], balance="normalize")), alone)
    one = lone()
    assert torch.equal(run.latent(*ours(run.positive, run.negative, [one, one], balance="strongest")), alone)


def test_an_empty_range_is_told(run):
    signal = lone(start=0.5, end=0.5)
    applied = apply_stack(run.positive, run.negative, ControlStack((signal,)))
    assert applied.positive is run.positive and "range is empty" in applied.report[0]


def test_cropping_is_told_once_with_what_is_cut(run, caplog):
    wide = ControlSignal(small_control_net(), picture(3, 128, 256), weight=1.0)
    run.latent(*ours(run.positive, run.negative, [wide]))
    told = [record.message for record in caplog.records if "crop cuts 50% of its width" in record.message]
    assert len(told) == 1 and "Control signal 1 of 1 (ControlNet)" in told[0]


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_stretch_and_pad_use_the_whole_image(run, fit):
    image = torch.zeros(1, 128, 256, 3)
    image[:, :, :24] = 1  # lies wholly in what a centre crop cuts off
    blank = torch.zeros(1, 128, 256, 3)

    def latent(image, fit):
        return run.latent(
            *ours(
                run.positive,
                run.negative,
                [ControlSignal(small_control_net(), image, fit=fit)],
            )
        )

    assert torch.equal(latent(image, "crop"), latent(blank, "crop"))
    assert not torch.equal(latent(image, fit), latent(blank, fit))


def test_a_wrong_number_of_control_images_is_refused(run):
    three = ControlSignal(small_control_net(), picture(3, batch=3))
    with pytest.raises(ValueError, match="3 control images came in for a batch of 2 pictures"):
        run.latent(*ours(run.positive, run.negative, [three]), batch=2)


BROKEN = {
    "rank": (torch.zeros(8, 8, 3), "8x8x3"),
    "channels": (torch.zeros(1, 8, 8, 2), "1x8x8x2"),
    "empty": (torch.zeros(0, 8, 8, 3), "batch is empty"),
    "pixels": (torch.zeros(1, 0, 8, 3), "no pixels"),
    "nan": (torch.full((1, 8, 8, 3), float("nan")), "not numbers"),
    "type": ("picture.png", "not str"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_an_error_or_skipped_as_asked(name, run):
    image, words = BROKEN[name]
    net = small_control_net()
    with pytest.raises(ValueError, match="Control signal 1 of 1") as error:
        ours(run.positive, run.negative, [ControlSignal(net, image)])
    assert words in str(error.value)
    applied = apply_stack(run.positive, run.negative, ControlStack((ControlSignal(net, image, on_invalid="skip"),)))
    assert applied.positive is run.positive and "skipped" in applied.report[0] and words in applied.report[0]


@pytest.mark.parametrize(
    ("image", "words"), [(torch.zeros(1, 64, 64, 3), "blank"), (picture(1) * 4 - 2, "values from -")]
)
def test_on_invalid_decides_about_an_unusable_image(image, words, run):
    def applied(policy):
        signal = ControlSignal(small_control_net(), image, on_invalid=policy)
        return apply_stack(run.positive, run.negative, ControlStack((signal,)))

    assert "Warning" in applied("warn").report[0] and words in applied("warn").report[0]
    assert applied("warn").positive is not run.positive
    assert applied("skip").positive is run.positive and words in applied("skip").report[0]
    with pytest.raises(ValueError, match=words):
        applied("error")
