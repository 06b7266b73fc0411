"""The time axis: weights by frame, and the maps, masks and weights of the host's context windows."""

from __future__ import annotations

import weakref

import pytest
import torch
from armature_pack.models.control.image_feed import SET_ASIDE_BYTES
from armature_pack.models.guidance.frame_weights import FrameWeights
from hypothesis import given, settings
from hypothesis import strategies as st

from .links import call, link, seen, window


def over(text: str, total: int, interpolation="linear") -> list[float]:
    return list(FrameWeights.from_text(text, interpolation).over(total, "Signal"))


def test_keyframes_are_interpolated_and_held_outside():
    assert over("1: 1, 5: 0", 8) == pytest.approx([1, 1, 0.75, 0.5, 0.25, 0, 0, 0])
    assert over("1: 1, 5: 0", 8, "hold") == [1, 1, 1, 1, 1, 0, 0, 0]
    smooth = over("0: 0, 4: 1", 5, "smooth")
    assert smooth == pytest.approx([0, 0.15625, 0.5, 0.84375, 1])


def test_negative_frames_count_from_the_end():
    assert over("0: 1, -1: 0", 5) == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_a_plain_list_gives_each_frame_its_weight_and_holds_the_last():
    assert over("1, 0.5\n0", 5) == [1, 0.5, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there are none"),
        ("0: 1, 0.5", "mixes keyframes"),
        ("0: x", '"x" is not a weight'),
        ("0.5: 1", '"0.5" is not a frame number'),
        ("0: -1", "outside 0 to 10"),
        ("0: nan", "outside 0 to 10"),
    ],
)
def test_texts_that_cannot_be_read_say_how_to_write_one(text, words):
    with pytest.raises(ValueError, match="12: 0.4") as error:
        FrameWeights.from_text(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"), [("0: 1, 8: 0", "frame 8, but"), ("-9: 1", "frame -9"), ("1,1,1,1,1,1,1,1,1", "9 weights")]
)
def test_frames_outside_the_clip_are_named(text, words):
    with pytest.raises(ValueError, match="Signal: its frame weights hold") as error:
        over(text, 8)
    assert words in str(error.value) and "8 frames" in str(error.value)


def test_one_frame_set_twice_is_refused():
    with pytest.raises(ValueError, match="set one frame twice"):
        over("3: 1, -1: 0", 4)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 30), st.floats(0, 10), min_size=1, max_size=6),
    st.sampled_from(["linear", "smooth", "hold"]),
)
def test_interpolation_meets_the_keyframes_and_stays_between_them(keyframes, interpolation):
    weights = FrameWeights(tuple(keyframes.items()), interpolation).over(31, "Signal")
    assert all(weights[frame] == pytest.approx(factor) for frame, factor in keyframes.items())
    assert min(keyframes.values()) - 1e-9 <= min(weights) and max(weights) <= max(keyframes.values()) + 1e-9


def per_picture(out) -> list[float]:
    return out["output"][0][:, 0, 0, 0].tolist()


def test_each_picture_of_a_batch_gets_its_weight_in_both_halves():
    out = call(link(frame_weights=FrameWeights.from_text("1, 0.5, 0")), pictures=3)
    assert per_picture(out) == [1, 0.5, 0, 1, 0.5, 0]


def test_maps_masks_and_weights_of_a_window_are_those_of_its_frames():
    masks = torch.zeros(8, 8, 8)
    masks[::2] = 1  # even frames only
    made = link(images=8, mask=masks, frame_weights=FrameWeights.from_text("0: 0, 7: 0.7"))
    out = call(made, pictures=3, context_window=window([3, 4, 6], 8))
    assert seen(made)[-1]["first"] == pytest.approx([0.03, 0.04, 0.06])
    assert per_picture(out) == pytest.approx([0, 0.4, 0.6] * 2)


def test_the_frame_that_the_host_puts_before_a_window_is_counted():
    made = link(images=8)
    call(made, pictures=3, context_window=window([4, 5], 8, anchor=3))
    assert seen(made)[-1]["first"] == pytest.approx([0.03, 0.04, 0.05])


def test_windows_take_turns_without_deriving_anything_twice():
    made = link(images=4)
    first, second = window([0, 1], 4), window([2, 3], 4)
    call(made, pictures=2, context_window=first)
    made.inner.cond_hint = "derived from 0 and 1"
    call(made, pictures=2, context_window=second)
    assert made.inner.cond_hint is None
    call(made, pictures=2, context_window=first)
    assert made.inner.cond_hint == "derived from 0 and 1" and seen(made)[-1]["first"] == pytest.approx([0, 0.01])


def test_what_is_derived_for_windows_that_never_come_again_takes_bounded_memory():
    """Uniform schedules move their windows from step to step. A meta tensor has a size and takes no memory."""
    made = link(images=40)
    derived = []
    for first in range(39):
        call(made, pictures=2, context_window=window([first, first + 1], 40))
        made.inner.cond_hint = torch.empty(SET_ASIDE_BYTES // 40, device="meta")  # a tenth of what is allowed
        derived.append(weakref.ref(made.inner.cond_hint))
    held = [one() is not None for one in derived]
    assert held == [True] * 10 + [False] * 28 + [True]  # the last one is in use
    call(made, pictures=2, context_window=window([3, 4], 40))
    assert made.inner.cond_hint is derived[3]()


def test_after_the_sampling_the_net_has_its_whole_image_again():
    made = link(images=4)
    call(made, pictures=2, context_window=window([2, 3], 4))
    made.cleanup()
    assert made.inner.cond_hint_original.shape[0] == 4 and made.inner.cond_hint is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pictures": 2}, "3 control images came in for a batch of 2 pictures"),
        ({"pictures": 2, "context_window": window([0, 1], 8)}, "3 control images came in for a clip of 8 frames"),
    ],
)
def test_a_number_of_maps_that_fits_neither_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        call(link(images=3), **options)


def test_models_that_hold_a_clip_in_one_latent_refuse_frame_weights():
    made = link(frame_weights=FrameWeights.from_text("0: 1"))
    with pytest.raises(ValueError, match="whole clip in one latent"):
        made.get_control(torch.zeros(1, 4, 3, 8, 8), torch.full((1,), 500.0), {}, 1, {"cond_or_uncond": [0]})
