"""A stack without extras gives, bit for bit, what the host's own chain of ControlNetApplyAdvanced gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.host import host_nodes

from .sampling import bench, conditioning, control_net, picture

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
    uncontrolled = run.latent(run.positive, run.negative)
    theirs = run.latent(*native(run.positive, run.negative, signals))
    assert not torch.equal(theirs, uncontrolled), "the control net must act for the comparison to mean anything"
    assert torch.equal(run.latent(*ours(run.positive, run.negative, signals)), theirs)


def lone(generated, **settings: Any) -> ControlSignal:
    settings.setdefault("weight", 1.0)
    return ControlSignal(control_net(generated("sd15_controlnet_canny")), picture(7), **settings)


@pytest.fixture
def run(generated):
    return bench(generated("sd15_checkpoint"))


def test_separate_conds_batches_and_other_aspects_are_bit_equal_too(run, generated):
    size = (6, 12)
    signals = [lone(generated), lone(generated, weight=0.5, end=0.6)]
    # Two positive conds of different length cannot share a batch, so each runs on its own.
    positive = run.positive + conditioning(3, tokens=154)
    theirs = run.latent(*native(positive, run.negative, signals), batch=2, size=size)
    assert torch.equal(run.latent(*ours(positive, run.negative, signals), batch=2, size=size), theirs)


def test_area_conds_are_bit_equal_too(run, generated):
    signals = [lone(generated)]
    area = [[run.positive[0][0], {"area": (4, 4, 2, 2), "strength": 1.0}], *conditioning(3)]
    theirs = run.latent(*native(area, run.negative, signals))
    assert torch.equal(run.latent(*ours(area, run.negative, signals)), theirs)


def test_it_chains_onto_control_that_the_conditioning_carries_already(run, generated):
    first, second = lone(generated), lone(generated, weight=0.4)
    theirs = run.latent(*native(*native(run.positive, run.negative, [first]), [second]))
    mixed = run.latent(*ours(*native(run.positive, run.negative, [first]), [second]))
    behind = run.latent(*native(*ours(run.positive, run.negative, [first]), [second]))
    assert torch.equal(mixed, theirs) and torch.equal(behind, theirs)


def test_nothing_upstream_ever_changes(run, generated):
    """Branch, apply twice, edit: each result depends on its own stack alone."""
    before = run.latent(run.positive, run.negative)
    signals = [lone(generated)]
    first = run.latent(*ours(run.positive, run.negative, signals))
    branch = run.latent(*ours(run.positive, run.negative, signals))
    edited = run.latent(*ours(run.positive, run.negative, [lone(generated, weight=0.3)]))
    assert torch.equal(first, branch) and not torch.equal(first, edited)
    assert torch.equal(run.latent(run.positive, run.negative), before)
    assert torch.equal(run.latent(*ours(run.positive, run.negative, signals)), first)
    net = control_net(generated("sd15_controlnet_canny"))
    assert net.cond_hint_original is None and net.strength == 1.0 and net.previous_controlnet is None


def test_two_samplings_of_one_result_are_equal(run, generated):
    """The links are cleaned up after a run, so nothing of it is left for the next."""
    conds = ours(run.positive, run.negative, [lone(generated, fit="stretch"), lone(generated, weight=0.5)])
    assert torch.equal(run.latent(*conds, size=(6, 10)), run.latent(*conds, size=(6, 10)))
    assert torch.equal(run.latent(*conds), run.latent(*conds))


def test_a_weight_of_zero_or_an_empty_stack_leaves_the_conditioning_alone(run, generated):
    for signals in ([], [lone(generated, weight=0.0)]):
        positive, negative = ours(run.positive, run.negative, signals)
        assert positive is run.positive and negative is run.negative


def test_a_constant_schedule_is_the_weight(run, generated):
    from armature_pack.models.guidance.curve import Curve

    half = run.latent(*ours(run.positive, run.negative, [lone(generated, weight=0.5)]))
    curve = run.latent(*ours(run.positive, run.negative, [lone(generated, schedule=Curve.from_text("0:0.5"))]))
    assert torch.equal(half, curve)


def test_a_schedule_that_falls_to_zero_is_the_range(run, generated):
    from armature_pack.models.guidance.curve import Curve

    # Three steps of the normal schedule lie at 0, about 1/3 and about 2/3 of the sampling.
    ranged = run.latent(*ours(run.positive, run.negative, [lone(generated, end=0.2)]))
    curve = run.latent(
        *ours(run.positive, run.negative, [lone(generated, schedule=Curve.from_text("0:1, 0.2:1, 0.25:0"))])
    )
    assert torch.equal(ranged, curve)


def test_a_mask_of_ones_changes_nothing_and_of_zeros_removes_the_signal(run, generated):
    whole = run.latent(*ours(run.positive, run.negative, [lone(generated)]))
    ones = run.latent(*ours(run.positive, run.negative, [lone(generated, mask=torch.ones(1, 40, 40))]))
    zeros = run.latent(*ours(run.positive, run.negative, [lone(generated, mask=torch.zeros(1, 40, 40))]))
    assert torch.equal(ones, whole)
    assert torch.equal(zeros, run.latent(run.positive, run.negative))


def test_layer_weights_of_zero_remove_the_signal(run, generated):
    from armature_pack.models.guidance.layer_weights import LayerWeights

    silent = LayerWeights.from_text("input: 0, middle: 0")
    none = run.latent(*ours(run.positive, run.negative, [lone(generated, layer_weights=silent)]))
    assert torch.equal(none, run.latent(run.positive, run.negative))


def test_normalize_is_the_smaller_weight(run, generated):
    pair = [lone(generated), lone(generated)]
    halves = run.latent(*ours(run.positive, run.negative, [lone(generated, weight=0.5), lone(generated, weight=0.5)]))
    assert torch.equal(run.latent(*ours(run.positive, run.negative, pair, balance="normalize", budget=1.0)), halves)


def test_strongest_is_the_strongest_alone(run, generated):
    strong, weak = (
        lone(generated),
        ControlSignal(control_net(generated("sd15_controlnet_depth")), picture(8), weight=0.5),
    )
    alone = run.latent(*ours(run.positive, run.negative, [strong]))
    assert torch.equal(run.latent(*ours(run.positive, run.negative, [weak, strong], balance="strongest")), alone)


def test_a_skipped_signal_takes_no_share_and_a_signal_linked_twice_is_two(run, generated):
    alone = run.latent(*ours(run.positive, run.negative, [lone(generated)]))
    blank = ControlSignal(control_net(generated("sd15_controlnet_canny")), torch.zeros(1, 64, 64, 3), on_invalid="skip")
    assert torch.equal(
        run.latent(*ours(run.positive, run.negative, [blank, lone(generated)], balance="normalize")), alone
    )
    one = lone(generated)
    assert torch.equal(run.latent(*ours(run.positive, run.negative, [one, one], balance="strongest")), alone)


def test_an_empty_range_is_told(run, generated):
    signal = lone(generated, start=0.5, end=0.5)
    applied = apply_stack(run.positive, run.negative, ControlStack((signal,)))
    assert applied.positive is run.positive and "range is empty" in applied.report[0]


def test_cropping_is_told_once_with_what_is_cut(run, generated, caplog):
    wide = ControlSignal(control_net(generated("sd15_controlnet_canny")), picture(3, 128, 256), weight=1.0)
    run.latent(*ours(run.positive, run.negative, [wide]))
    told = [record.message for record in caplog.records if "crop cuts 50% of its width" in record.message]
    assert len(told) == 1 and "Control signal 1 of 1 (ControlNet)" in told[0]


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_stretch_and_pad_use_the_whole_image(run, generated, fit):
    image = torch.zeros(1, 128, 256, 3)
    image[:, :, :24] = 1  # lies wholly in what a centre crop cuts off
    blank = torch.zeros(1, 128, 256, 3)

    def latent(image, fit):
        return run.latent(
            *ours(
                run.positive,
                run.negative,
                [ControlSignal(control_net(generated("sd15_controlnet_canny")), image, fit=fit)],
            )
        )

    assert torch.equal(latent(image, "crop"), latent(blank, "crop"))
    assert not torch.equal(latent(image, fit), latent(blank, fit))


def test_a_wrong_number_of_control_images_is_refused(run, generated):
    three = ControlSignal(control_net(generated("sd15_controlnet_canny")), picture(3, batch=3))
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
def test_a_broken_image_is_an_error_or_skipped_as_asked(name, run, generated):
    image, words = BROKEN[name]
    net = control_net(generated("sd15_controlnet_canny"))
    with pytest.raises(ValueError, match="Control signal 1 of 1") as error:
        ours(run.positive, run.negative, [ControlSignal(net, image)])
    assert words in str(error.value)
    applied = apply_stack(run.positive, run.negative, ControlStack((ControlSignal(net, image, on_invalid="skip"),)))
    assert applied.positive is run.positive and "skipped" in applied.report[0] and words in applied.report[0]


@pytest.mark.parametrize(
    ("image", "words"), [(torch.zeros(1, 64, 64, 3), "blank"), (picture(1) * 4 - 2, "values from -")]
)
def test_on_invalid_decides_about_an_unusable_image(image, words, run, generated):
    def applied(policy):
        signal = ControlSignal(control_net(generated("sd15_controlnet_canny")), image, on_invalid=policy)
        return apply_stack(run.positive, run.negative, ControlStack((signal,)))

    assert "Warning" in applied("warn").report[0] and words in applied("warn").report[0]
    assert applied("warn").positive is not run.positive
    assert applied("skip").positive is run.positive and words in applied("skip").report[0]
    with pytest.raises(ValueError, match=words):
        applied("error")
