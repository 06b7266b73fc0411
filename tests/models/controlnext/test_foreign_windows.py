"""ControlNeXt in the windows of AnimateDiff-Evolved: the clip drawn in windows is the clip drawn at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.control import ControlNeXt
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.tests.alike import assert_alike
from armature_pack.tests.foreign_windows import in_windows
from controlnext_recipes import control, image, prompt, sampled
from public_path import by_host_node, by_stack

FRAMES = 5
WINDOWS = ([0, 1, 2], [2, 3, 4], [3, 0, 1])
POSITIVE, NEGATIVE = prompt(1), prompt(2)


@pytest.fixture(scope="module")
def net() -> ControlNeXt:
    with torch.inference_mode():
        return control("sd15_training")


def masks() -> torch.Tensor:
    return torch.rand(FRAMES, 32, 32, generator=torch.Generator().manual_seed(4)).round()


@pytest.mark.parametrize(
    ("apply", "signal"),
    [(by_host_node, {}), (by_stack, {"mask": masks(), "frame_weights": FrameWeights.from_text("0: 0.2, 2: 2, -1: 0")})],
)
def test_maps_masks_and_weights_of_each_frame_are_those_of_the_whole_clip(sd15, net, apply: Any, signal) -> None:
    conditioned = apply(POSITIVE, NEGATIVE, net, image(FRAMES, 64, 64), 1.0, **signal)[:2]

    def latent(model: Any, *conds: Any) -> torch.Tensor:
        return sampled(model, *conds, pictures=FRAMES, size=(8, 8), steps=1)

    whole = latent(sd15, *conditioned)
    changed = (whole - latent(sd15, POSITIVE, NEGATIVE)).abs().amax((1, 2, 3))
    assert (changed[:-1] > 1).all()
    assert_alike(latent(in_windows(sd15, WINDOWS), *conditioned), whole)
    assert torch.equal(latent(sd15, *conditioned), whole), "windows must leave nothing in the conditioning"


def test_it_is_no_object_of_advanced_controlnet(net) -> None:
    """Which calls methods of its own on whatever has `sub_idxs`: its apply node takes a ControlNeXt as it is."""
    assert not hasattr(net, "sub_idxs") and not hasattr(net.copy(), "sub_idxs")
