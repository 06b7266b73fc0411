"""Which batches are clips, by what a depth network says of them; the brightness of photographs stands for its depth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.depth.scaling import is_clip, near_is_white
from armature_pack.preprocessors.entry import Detected
from armature_pack.preprocessors.grey import as_grey_maps
from skimage import data


def depth_of(name: str) -> torch.Tensor:
    """[300,380] in 0..1"""
    return torch.from_numpy(np.ascontiguousarray(getattr(data, name)()[:300, :380])).float().mean(-1) / 255


def pan(name: str) -> torch.Tensor:
    whole = depth_of(name)
    return torch.stack([whole[:, step : step + 280] for step in range(0, 96, 4)])


@pytest.mark.parametrize(("first", "second"), [("astronaut", "coffee"), ("coffee", "chelsea"), ("rocket", "astronaut")])
def test_a_pan_is_a_clip_and_other_photographs_are_none(first, second):
    assert is_clip(pan(first)) and is_clip(torch.cat([pan(first), pan(second)])), "a cut is fine"
    assert not is_clip(torch.stack([depth_of(first), depth_of(second)] * 3)) and not is_clip(depth_of(first)[None])


def test_units_of_their_own_and_sky_change_nothing():
    clip = pan("coffee")
    assert is_clip(torch.stack([one * (1 + 0.2 * number) + number for number, one in enumerate(clip)]))
    assert is_clip(torch.where(clip > 0.8, torch.inf, clip)) and not is_clip(torch.full((3, 8, 8), torch.inf))


def test_the_depth_of_a_clip_does_not_flicker_when_something_near_comes_in():
    """At one scale for each picture, all that stands still gets darker as the near thing comes."""
    clip = pan("coffee")[:1].repeat(8, 1, 1) * 0.5
    for number in range(4, 8):
        clip[number, 100:160, 100:160] = 1.0  # comes in
    raw = Detected(as_grey_maps(clip))
    still = {
        over: near_is_white(raw, {"normalize_over": over}).maps[:, :80].std(0).amax() for over in ("picture", "auto")
    }
    assert still["picture"] > 0.1 and still["auto"] < 1e-6
    assert "The 8 pictures are a clip" in near_is_white(raw, {"normalize_over": "auto"}).notes[0]
