"""A mask belongs to the picture; one of the map's size, where the two differ in shape, belongs to the map."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.fit import FITS, fitted, mask_with_map
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.tests.models.control.sampling import picture
from guiding import cfg, control_net, distance, plain


def wide_map() -> torch.Tensor:
    return picture(7, 128, 256)


def wide_mask() -> torch.Tensor:
    """White in the left three eighths of the map, which the crop to its middle leaves a quarter of."""
    mask = torch.zeros(1, 128, 256)
    mask[:, :, :96] = 1
    return mask


def with_signals(*signals: ControlSignal, balance="none"):
    run = plain()
    applied = apply_stack(run.positive, run.negative, ControlStack(signals, balance))
    return replace(run, positive=applied.positive, negative=applied.negative)


def signal(**settings) -> ControlSignal:
    return ControlSignal(control_net(), **{"image": wide_map(), "mask": wide_mask(), "weight": 1.0, **settings})


@pytest.mark.parametrize("fit", FITS)
def test_map_and_mask_are_fitted_alike(fit, caplog):
    """The oracle: the map fitted beforehand, and a mask of the picture's own shape."""
    at_hand = fitted(wide_map().movedim(-1, 1), 64, 64, fit).movedim(1, -1)
    lies = mask_with_map(wide_mask(), (64, 64), fit)
    wanted = with_signals(signal(image=at_hand, mask=lies)).sample(cfg)
    caplog.clear()
    made = with_signals(signal(fit=fit)).sample(cfg)
    assert distance(made, wanted) < 1e-4
    told = [record for record in caplog.records if "drawn on the map" in record.getMessage()]
    assert len(told) == 1 and fit in told[0].getMessage()


def test_where_nothing_of_the_mask_is_left_nothing_acts():
    mask = torch.zeros(1, 128, 256)
    mask[:, :, :60] = 1  # all of it is cropped away
    run = plain()
    assert distance(with_signals(signal(mask=mask)).sample(cfg), run.sample(cfg)) < 1e-6


def test_a_mask_of_the_pictures_shape_stays_the_pictures(caplog):
    mask = torch.zeros(1, 64, 64)
    mask[:, :, :32] = 1
    made = with_signals(signal(mask=mask)).sample(cfg)
    same = with_signals(signal(mask=torch.nn.functional.interpolate(mask[None], scale_factor=2)[0])).sample(cfg)
    assert distance(made, same) < 1e-6
    assert "drawn on the map" not in caplog.text


def test_under_strongest_each_signal_wins_where_its_mask_lies():
    """The left of the map belongs to one, the rest to the other, both cropped."""
    left, right = signal(), signal(mask=1 - wide_mask(), image=picture(8, 128, 256))
    made = with_signals(left, right, balance="strongest").sample(cfg)
    apart = with_signals(left, right).sample(cfg)
    assert distance(made, apart) < 1e-4  # where masks do not touch, both ways are one


@pytest.mark.parametrize(("fit", "width"), [("crop", 128), ("stretch", 256), ("pad", 256)])
def test_what_of_a_mask_is_left(fit, width):
    lies = mask_with_map(wide_mask(), (16, 16), fit)
    assert lies.shape[-1] == width
    if fit == "pad":
        assert lies.shape[-2] == 256 and not lies[:, :64].any() and not lies[:, 192:].any()
