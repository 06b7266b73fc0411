"""Which frames a call sees, as another pack tells it."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.guidance.batch_view import BatchView, Window, window_of
from armature_pack.tests.foreign_windows import ad_params
from comfy.context_windows import IndexListContextWindow

WINDOW = [8, 9, 0, 2]


def test_a_window_told_by_another_pack_is_known():
    assert window_of({"ad_params": ad_params(WINDOW, 10)}, 4) == Window((8, 9, 0, 2), 10, foreign=True)


def test_the_batch_of_a_call_knows_its_frames():
    view = BatchView.of(torch.zeros(8, 4, 8, 8), 2, {"cond_or_uncond": [1, 0], "ad_params": ad_params(WINDOW, 10)})
    assert (view.frames, view.total, view.pictures, view.halves) == ((8, 9, 0, 2), 10, 4, (1, 0))
    assert view.rows_of(10, "Signal", "mask") == (8, 9, 0, 2) and view.rows_of(1, "Signal", "mask") is None
    with pytest.raises(ValueError, match="Signal: 4 masks came in for a clip of 10 frames"):
        view.rows_of(4, "Signal", "mask")


@pytest.mark.parametrize(
    "told", [ad_params(None, 4), ad_params(WINDOW, 10) | {"sub_idxs": [1, 2]}, None, "something else"]
)
def test_a_whole_clip_and_what_is_not_of_this_call_are_no_window(told):
    assert window_of({"ad_params": told}, 4) is None


def test_windows_of_the_host_count_first():
    """That pack tells its parameters without windows too, and the host may then have windows of its own."""
    options = {"ad_params": ad_params(None, 10), "context_window": IndexListContextWindow([1, 2], 0, total_frames=10)}
    assert window_of(options, 2) == Window((1, 2), 10)
