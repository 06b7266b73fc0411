"""What a signal hands to a ControlNeXt net, which acts inside the UNet and returns no residuals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.guard import Watch
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.controlnext.control import ControlNeXt
from armature_pack.models.controlnext.cross_normalization import CrossNormalization
from armature_pack.models.controlnext.injection import ControlAddition
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.guidance.regions import AREAS, Area

from .links import call, window


class Noted(ControlNeXt):
    """Remembers the mask, the strength and the maps of each call."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(cache={}, file_name="x", patcher=None))  # type: ignore[arg-type]
        self.calls: list[Any] = []

    def copy(self) -> Noted:
        copied = Noted()
        self.copy_to(copied)
        copied.calls = self.calls
        return copied

    def pre_run(self, *_: Any) -> None:
        pass

    def get_control(self, *_: Any) -> None:
        assert self.cond_hint_original is not None
        self.calls.append((self.mask, self.strength, self.cond_hint_original.shape[0]))


def link(images: int = 1, others: tuple[ControlSignal, ...] = (), **settings: Any) -> SignalControl:
    picture = torch.rand(images, 64, 64, 3)
    signal = ControlSignal(Noted(), picture, **{"weight": 1.0, **settings})
    stack = ControlStack((signal, *others), "strongest" if others else "none")
    made = SignalControl(Noted(), signal, stack, Watch("Signal 1"))
    made.set_cond_hint(picture.movedim(-1, 1), 1.0, (0.0, 1.0))
    made.pre_run(SimpleNamespace(), lambda percent: 1000 * (1 - percent))
    return made


def test_the_mask_and_the_weights_of_frames_reach_it_as_one_mask():
    left = torch.zeros(1, 8, 8)
    left[..., :4] = 1
    made = link(mask=left, frame_weights=FrameWeights.from_text("1, 0.5, 0"))
    assert call(made, pictures=3) is None
    mask, strength, _ = made.inner.calls[0]
    assert strength == 1.0 and mask.shape == (3, 8, 8)
    assert mask[:, 0, 0].tolist() == [1, 0.5, 0] and mask[:, 0, 7].abs().max() == 0


def test_in_a_window_the_weights_are_those_of_its_frames_and_the_maps_are_left_to_the_net():
    made = link(images=6, frame_weights=FrameWeights.from_text("0: 0, 5: 1"))
    call(made, pictures=2, context_window=window([2, 5], 6))
    mask, _, maps = made.inner.calls[0]
    assert mask.flatten().tolist() == pytest.approx([0.4, 1.0]) and maps == 6


def test_where_the_strongest_wins_the_mask_has_one_place_for_each_picture_of_each_half():
    other = ControlSignal(Noted(), torch.rand(1, 8, 8, 3), weight=0.5)
    made = link(others=(other,))
    call(made, pictures=2, halves=(1, 0))
    mask, _, _ = made.inner.calls[0]
    assert mask.shape == (4, 8, 8) and mask.min() == 1


def test_that_layer_weights_have_no_effect_is_told():
    signal = ControlSignal(Noted(), torch.rand(1, 8, 8, 3), layer_weights=LayerWeights.from_text("middle: 0"))
    assert "layer weights have no effect" in apply_stack([], [], ControlStack((signal,))).report[0]


def test_under_areas_each_half_has_the_mask_of_its_own_area_and_the_patch_takes_it_half_by_half():
    left = torch.zeros(1, 16, 16)
    left[..., :8] = 1
    made = link(mask=left)
    options: dict[str, Any] = {AREAS: {1: Area(8, 8, 0, 0, (16, 16)), 0: Area(8, 8, 0, 8, (16, 16))}}
    call(made, pictures=2, halves=(1, 0), **options)
    mask, _, _ = made.inner.calls[0]
    assert mask.shape == (4, 8, 8) and mask[:2].min() == 1 and mask[2:].max() == 0
    normalization = CrossNormalization(pool_first=True, eps=1e-5)
    patch = ControlAddition(torch.ones(1, 2, 8, 8), normalization, (1.0, 1.0), ("input", 0), mask.unsqueeze(1))
    hidden = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    changed = (patch.add(hidden) != hidden).flatten(1).any(1)
    assert changed.tolist() == [True, True, False, False]
