"""What the node's inputs do, and that nothing leaks: branches, edits, bypasses, orders."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import comfy.model_management
import pytest
import torch
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.ip_adapter.embeds import COMBINING
from armature_pack.models.ip_adapter.patching import prompts_of
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.alike import assert_alike
from ip_adapter_recipes import adapter, narrow_model, picture, prompt, sampled, tiny_encoder


@pytest.fixture(scope="module")
def base() -> Any:
    return adapter("base", "sd15")


@pytest.fixture(scope="module")
def plus() -> Any:
    return adapter("plus", "sd15")


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    """(MODEL, IP_ADAPTER), small and quick."""
    return narrow_model("tiny"), adapter("base", "tiny")


@pytest.fixture
def plain(sd15) -> torch.Tensor:
    return sampled(sd15)


@pytest.fixture
def apply(base, encoder):
    def run(model: Any, ip_adapter: Any = base, **inputs: Any) -> Any:
        inputs = {"image": picture(), "clip_vision": encoder, **inputs}
        return ArmatureApplyIPAdapter.execute(model, ip_adapter, **inputs).args[0]

    return run


def test_the_report_says_what_was_applied_with_warnings_first(sd15, base, encoder) -> None:
    wide = torch.rand(1, 32, 64, 3)
    inputs = {"image": wide, "clip_vision": encoder, "weight": 0.5, "end_percent": 0.7, "composition_image": wide}
    model, report = ArmatureApplyIPAdapter.execute(sd15, base, **inputs).args
    first, *rest = report.split("\n")
    assert first.startswith("Warning: composition_image has no effect") and "Warning" not in "".join(rest)
    assert "weight 0.5" in rest[-1] and "to 70%" in rest[-1] and "1 picture" in rest[-1] and base.file_name in rest[-1]
    assert any("middle square of the 64x32 picture" in line for line in rest)
    same, report = ArmatureApplyIPAdapter.execute(sd15, base, **{**inputs, "weight": 0.0}).args
    assert same is sd15 and report.startswith("Warning: ") and "no effect" in report and len(prompts_of(model)) == 1


# Nothing leaks ----------------------------------------------------------------------------------------------------


def test_upstream_and_branches_stay_as_they_were(sd15, apply, plain) -> None:
    one, two = apply(sd15), apply(sd15, image=picture(4))
    first, second = sampled(one), sampled(two)
    assert not torch.equal(first, plain) and not torch.equal(first, second)
    assert torch.equal(sampled(sd15), plain)
    assert torch.equal(sampled(one), first)
    assert [len(prompts_of(model)) for model in (sd15, one, two)] == [0, 1, 1]


def test_an_edit_replaces_the_value(sd15, apply) -> None:
    assert torch.equal(sampled(apply(apply(sd15, weight=0.3), weight=0)), sampled(apply(sd15, weight=0.3)))
    sampled(apply(sd15, weight=1.0))
    assert torch.equal(sampled(apply(sd15, weight=0.5)), sampled(apply(sd15, weight=0.5)))


@pytest.mark.parametrize(
    "nothing",
    [
        {"weight": 0.0},
        {"schedule": "0:0"},
        {"mask": torch.zeros(1, 8, 8)},
        {"layer_weights": LayerWeights(conditional=0.0, unconditional=0.0)},
    ],
)
def test_what_has_no_effect_is_bit_equal_and_told(nothing, sd15, apply, plain, told) -> None:
    assert torch.equal(sampled(apply(sd15, **nothing)), plain)
    assert any("no effect" in one for one in told)


def test_two_adapters_add_up_in_any_order(sd15, apply, base, plus) -> None:
    one = sampled(apply(apply(sd15, base), plus, image=picture(7)))
    other = sampled(apply(apply(sd15, plus, image=picture(7)), base))
    assert_alike(one, other)


def test_what_was_computed_is_dropped_behind_the_sampling(sd15, apply) -> None:
    model = apply(sd15)
    sampled(model)
    assert prompts_of(model)[0].kept.bytes == 0
    assert prompts_of(model)[0].models() == [prompts_of(model)[0].adapter.patcher]


def test_an_interrupted_run_changes_nothing_in_the_next(tiny, apply) -> None:
    model = apply(*tiny)
    expected = sampled(model)
    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sampled(model, callback=lambda *_: comfy.model_management.throw_exception_if_processing_interrupted())
    comfy.model_management.interrupt_current_processing(False)
    assert torch.equal(sampled(model), expected)


def test_many_runs_leave_memory_flat(tiny, apply) -> None:
    counts, prompts = [], []
    for number in range(24):
        patched = apply(*tiny, weight=0.5 + number / 1000)
        prompts.append(weakref.ref(prompts_of(patched)[0]))
        sampled(patched, steps=1)
        del patched
        if number % 6 == 5:
            gc.collect()
            counts.append(sum(1 for one in gc.get_objects() if isinstance(one, torch.Tensor)))
    assert max(counts[1:]) - counts[0] <= 2, f"tensors alive after each six runs: {counts}"
    assert sum(prompt() is not None for prompt in prompts) <= 1


def test_keys_and_values_are_projected_once_per_sampling(sd15, apply, base, monkeypatch) -> None:
    calls = []
    original = type(base).key_value
    monkeypatch.setattr(type(base), "key_value", lambda *given: calls.append(given[1]) or original(*given))
    sampled(apply(sd15), steps=4)
    assert len(calls) == 2 * 16  # a positive and a negative one for each layer


# Strength ---------------------------------------------------------------------------------------------------------


def test_range_and_curve(sd15, apply, plain) -> None:
    full = sampled(apply(sd15), steps=4)
    assert torch.equal(sampled(apply(sd15, schedule="0:1, 1:1"), steps=4), full)
    halves = [sampled(apply(sd15, start_percent=0.5), steps=4), sampled(apply(sd15, end_percent=0.5), steps=4)]
    assert not any(torch.equal(half, full) for half in halves)
    doubled = sampled(apply(sd15, weight=0.3, schedule="0:2, 1:2"), steps=4)
    assert_alike(doubled, full)


def test_frames_have_weights_of_their_own(sd15, apply) -> None:
    both = sampled(apply(sd15), pictures=2)
    one = sampled(apply(sd15, frame_weights=FrameWeights.from_text("0, 1")), pictures=2)
    assert_alike(one[:1], sampled(sd15, pictures=2)[:1])
    assert_alike(one[1:], both[1:])


def test_one_picture_for_each_of_the_batch(sd15, apply) -> None:
    images = picture(count=2)
    both = sampled(apply(sd15, image=images, combine="per picture"), pictures=2)
    for index in (0, 1):
        alone = sampled(apply(sd15, image=images[index : index + 1]), pictures=2)
        assert_alike(both[index], alone[index])
    with pytest.raises(ValueError, match="2 reference pictures came in for a batch of 3"):
        sampled(apply(sd15, image=images, combine="per picture"), pictures=3)


def test_half_of_the_guidance(sd15, apply, plain) -> None:
    weights = LayerWeights(unconditional=0.0)
    assert not torch.equal(sampled(apply(sd15, layer_weights=weights)), sampled(apply(sd15)))


# Several pictures, negative ones, masks ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", COMBINING)
def test_combining_equal_pictures(how, sd15, apply, encoder) -> None:
    same = picture().expand(3, -1, -1, -1)
    found = sampled(apply(sd15, image=same, combine=how))
    if how in ("add", "subtract"):
        assert torch.isfinite(found).all()
    else:
        assert_alike(found, sampled(apply(sd15)))


def test_equal_pictures_in_a_row_are_as_one(sd15, apply, plus) -> None:
    same = picture().expand(3, -1, -1, -1)
    for ip_adapter in (None, plus):
        given = () if ip_adapter is None else (ip_adapter,)
        assert_alike(sampled(apply(sd15, *given, image=same)), sampled(apply(sd15, *given)))


def test_a_negative_picture_acts(sd15, apply) -> None:
    assert not torch.equal(sampled(apply(sd15, negative_image=picture(8))), sampled(apply(sd15)))
    assert torch.equal(
        sampled(apply(sd15, negative_image=picture(8)), cfg=1.0), sampled(apply(sd15), cfg=1.0)
    )  # no negative half, nothing to act in


def test_a_white_mask_is_none(sd15, apply) -> None:
    assert_alike(sampled(apply(sd15, mask=torch.ones(1, 5, 9))), sampled(apply(sd15)))


def test_masks_lie_on_the_true_grid(sd15, apply, monkeypatch) -> None:
    """A latent whose sides are no powers of two: no layer guesses its height from its number of tokens."""
    from armature_pack.models.ip_adapter import call

    sizes = set()
    original = call.on_grid
    monkeypatch.setattr(
        call, "on_grid", lambda m, h, w, like: sizes.add((h, w, like.shape[1])) or original(m, h, w, like)
    )
    mask = torch.zeros(1, 40, 24)
    mask[:, :20] = 1
    sampled(apply(sd15, mask=mask), size=(40, 24))
    assert sizes == {(40, 24, 960), (20, 12, 240), (10, 6, 60), (5, 3, 15)}


def test_regions(sd15, apply) -> None:
    masks = torch.zeros(2, 16, 16)
    masks[0, :, :8], masks[1, :, 8:] = 1, 1
    images = picture(count=2)
    model = apply(sd15, image=images, mask=masks, combine="regions")
    assert len(prompts_of(model)) == 2
    chained = apply(apply(sd15, image=images[:1], mask=masks[:1]), image=images[1:], mask=masks[1:])
    assert_alike(sampled(model), sampled(chained))
    with pytest.raises(ValueError, match="with 2 pictures and 1 masks"):
        apply(sd15, image=images, mask=masks[:1], combine="regions")


def test_a_mask_is_cut_like_the_area_of_a_conditioning(sd15, apply) -> None:
    """The right half of the picture is its own area: a mask that is white there acts as no mask does."""
    positive = prompt(1, "sd15") + prompt(3, "sd15", area=(8, 4, 0, 4))
    right = torch.zeros(1, 16, 16)
    right[:, :, 8:] = 1
    calls = {}
    for name, mask in (("right", right), ("left", 1 - right)):
        calls[name] = sampled(apply(sd15, mask=mask), positive=positive, negative=prompt(2, "sd15"), cfg=1.0)
    assert not torch.equal(calls["right"], calls["left"])
    alone = prompt(3, "sd15", area=(8, 4, 0, 4))
    whole = sampled(apply(sd15), positive=alone, cfg=1.0)[..., 4:]
    masked = sampled(apply(sd15, mask=right), positive=alone, cfg=1.0)[..., 4:]
    assert_alike(masked, whole)
    none = sampled(apply(sd15, mask=1 - right), positive=alone, cfg=1.0)[..., 4:]
    assert_alike(none, sampled(sd15, positive=alone, cfg=1.0)[..., 4:])


# Errors -----------------------------------------------------------------------------------------------------------


def test_the_wrong_encoder_is_named_with_both_widths(sd15, apply, plus) -> None:
    with pytest.raises(ValueError, match=r"hidden states of width 64 .* gives hidden states of width 96"):
        apply(sd15, plus, clip_vision=tiny_encoder(hidden_size=96))
    with pytest.raises(ValueError, match=r"image embeddings of width 32 .* gives image embeddings of width 48"):
        apply(sd15, clip_vision=tiny_encoder(projection_dim=48))
    with pytest.raises(ValueError, match="nothing is linked"):
        apply(sd15, clip_vision=None)


def test_another_family_is_named(sdxl, sd15, apply, base) -> None:
    with pytest.raises(ValueError, match=r"tokens of width 768, but the model \(SDXL\) reads text of width 2048"):
        apply(sdxl)
    with pytest.raises(ValueError, match=r"tokens of width 2048, but the model \(BaseModel\) reads text of width 768"):
        apply(sd15, adapter("base", "sdxl"))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"weight": 9.0}, "weight: 9.0 lies outside -1 to 5"),
        ({"weight": float("nan")}, "weight: nan"),
        ({"start_percent": 0.8, "end_percent": 0.2}, "would never act"),
        ({"combine": "mean"}, "combine"),
        ({"weight_type": "hard"}, "weight_type"),
        ({"embeds_scaling": "Q"}, "embeds_scaling"),
        ({"compatible_with": "x"}, "compatible_with"),
        ({"image": None}, "no picture to follow"),
        ({"image": "x"}, "an IMAGE is wanted"),
        ({"embeds": 3, "image": None}, "IP_ADAPTER_EMBEDS are wanted"),
        ({"layer_weights": 3}, "LayerWeights are wanted"),
        ({"schedule": "x"}, "schedule"),
    ],
)
def test_bad_inputs_are_named(inputs, words, sd15, apply) -> None:
    with pytest.raises(ValueError, match=words):
        apply(sd15, **inputs)


def test_what_is_no_adapter_is_refused(sd15) -> None:
    with pytest.raises(ValueError, match="IP_ADAPTER is wanted, not dict"):
        ArmatureApplyIPAdapter.execute(sd15, {})


def test_a_picture_that_is_cut_is_told(sd15, apply, told) -> None:
    apply(sd15, image=picture(height=28, width=56))
    assert any("middle square of the 56x28 picture" in one for one in told)
