"""Windows of AnimateDiff-Evolved: SD1.5 draws each frame by itself, so a clip in windows must be the clip drawn at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.guard import Watch
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.tests.alike import assert_alike
from armature_pack.tests.foreign_windows import ad_params, in_windows

from .links import Ones, call, link, seen, window
from .sampling import Bench
from .small import small_bench
from .test_windows import FRAMES, SIZE, lone

# A loop, a stride and an overlap, as that pack's schedules make them.
WINDOWS = ([0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 1], [1, 3, 5, 0])
TOLD = ("sub_idxs", "full_latent_length", "context_length")


def links_of(conditioning: list[Any]) -> list[Any]:
    found, link = [], conditioning[0][1]["control"]
    while link is not None:
        found.append(link)
        link = link.previous_controlnet
    return found


def test_maps_masks_and_weights_of_each_frame_are_those_of_the_whole_clip():
    run = small_bench()
    applied = apply_stack(run.positive, run.negative, ControlStack((lone(), lone())))

    def latent(model: Any) -> torch.Tensor:
        on = Bench(model, run.positive, run.negative)
        return on.latent(applied.positive, applied.negative, batch=FRAMES, size=SIZE, steps=1)

    whole = latent(run.model)
    uncontrolled = run.latent(run.positive, run.negative, batch=FRAMES, size=SIZE, steps=1)
    assert ((whole - uncontrolled).abs().amax((1, 2, 3)) > 0.1).all()
    assert_alike(latent(in_windows(run.model, WINDOWS)), whole)
    assert torch.equal(latent(run.model), whole), "windows must leave nothing in the conditioning"
    assert not any(hasattr(one, name) for one in links_of(applied.positive) for name in TOLD)


def per_picture(out: Any) -> list[float]:
    return out["output"][0][:, 0, 0, 0].tolist()


def test_the_network_sees_the_maps_masks_and_weights_of_the_windows_frames():
    masks = torch.zeros(8, 8, 8)
    masks[::2] = 1  # even frames only
    made = link(images=8, mask=masks, frame_weights=FrameWeights.from_text("0: 0, 7: 0.7"))
    out = call(made, pictures=3, ad_params=ad_params([6, 3, 4], 8))
    assert seen(made)[-1]["first"] == pytest.approx([0.06, 0.03, 0.04])
    assert per_picture(out) == pytest.approx([0.6, 0, 0.4] * 2)


def test_without_windows_the_same_options_say_nothing():
    made = link(images=3, frame_weights=FrameWeights.from_text("1, 0.5, 0"))
    assert per_picture(call(made, pictures=3, ad_params=ad_params(None, 3))) == [1, 0.5, 0] * 2


def test_a_link_can_be_told_windows_while_it_is_sampled_and_at_no_other_time():
    """Advanced-ControlNet takes what has `sub_idxs` for an object of its own, with methods that this has not."""
    signal = ControlSignal(Ones(), torch.zeros(1, 8, 8, 3))
    made = SignalControl(Ones(), signal, ControlStack((signal,)), Watch("Signal 1"))
    assert not any(hasattr(made, name) for name in TOLD)
    made.pre_run(SimpleNamespace(diffusion_model=object()), lambda percent: 1 - percent)
    assert all(hasattr(made, name) for name in TOLD)
    made.sub_idxs = [1, 2]
    assert not any(hasattr(made.copy(), name) for name in TOLD)
    made.cleanup()
    assert not any(hasattr(made, name) for name in TOLD)


class ReadsWindows(Ones):
    """As the control nets of Advanced-ControlNet, which cut their maps themselves; the host's windows they do not know."""

    sub_idxs: list[int] | None = None


@pytest.mark.parametrize(
    ("options", "maps", "told"),
    [
        ({"ad_params": ad_params([2, 3], 4)}, [0, 0.01, 0.02, 0.03], [2, 3]),
        ({"context_window": window([2, 3], 4)}, [0.02, 0.03], None),
    ],
)
def test_a_net_that_reads_windows_itself_is_told_them_and_gets_the_maps_of_the_whole_clip(options, maps, told):
    made = link(images=4, inner=ReadsWindows())
    call(made, pictures=2, ad_params=ad_params([0, 1], 4))
    call(made, pictures=2, **options)
    assert seen(made)[-1]["first"] == pytest.approx(maps) and made.inner.sub_idxs == told


def test_each_window_keeps_residuals_of_its_own():
    made = link(images=4, savings=Savings(every=2))
    for sigma in (900.0, 700.0):
        for frames in ([0, 1], [2, 3]):
            call(made, pictures=2, sigma=sigma, ad_params=ad_params(frames, 4))
    assert [run["first"][0] for run in seen(made)] == pytest.approx([0, 0.02])
