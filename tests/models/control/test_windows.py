"""The host's own context windows: SD1.5 draws each frame by itself, so a clip in windows must be the clip drawn at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.union_signal import make_union_signal
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.preprocessors.images.tags import tag
from comfy.context_windows import ContextSchedules

from .sampling import Bench, picture
from .small import FULL, WIDTH, small_bench, small_control_net

FRAMES, SIZE = 6, (8, 8)


def windowed(run: Bench, schedule: str) -> Bench:
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode

    made: Any = ContextWindowsManualNode.execute(run.model, 4, 2, schedule, 1, False, "pyramid", 0, False)
    return Bench(made.args[0], run.positive, run.negative)


def lone() -> ControlSignal:
    """A map, a mask and a weight for each frame."""
    masks = torch.rand(FRAMES, 32, 32, generator=torch.Generator().manual_seed(4)).round()
    weights = FrameWeights.from_text("0: 0.2, 3: 2, -1: 0.5", "smooth")
    return ControlSignal(
        small_control_net(1), picture(3, 64, 64, FRAMES), weight=1.0, mask=masks, frame_weights=weights
    )


def union() -> ControlSignal:
    net = small_control_net(3, union_types=6)
    masks = torch.rand(FRAMES, 32, 32, generator=torch.Generator().manual_seed(5)).round()
    parts = {
        "signal_0": ControlSignal(net, tag(picture(3, 64, 64, FRAMES), "depth"), weight=1.0, mask=masks),
        "signal_1": ControlSignal(net, tag(picture(4, 64, 96), "canny"), weight=0.5, fit="pad"),
    }
    made = make_union_signal(parts, frame_weights=FrameWeights.from_text("0: 0, -1: 1"))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("signal", "schedule"),
    [
        (lone, ContextSchedules.STATIC_STANDARD),
        (lone, ContextSchedules.BATCHED),
        (union, ContextSchedules.STATIC_STANDARD),
    ],
)
def test_maps_masks_and_weights_of_each_frame_are_those_of_the_whole_clip(signal, schedule):
    run = small_bench(FULL if signal is union else WIDTH)
    stack = ControlStack((signal(),))

    def latent(on: Bench) -> torch.Tensor:
        applied = apply_stack(run.positive, run.negative, stack)
        return on.latent(applied.positive, applied.negative, batch=FRAMES, size=SIZE, steps=1)

    whole = latent(run)
    uncontrolled = run.latent(run.positive, run.negative, batch=FRAMES, size=SIZE, steps=1)
    assert (whole - uncontrolled).abs().amax((1, 2, 3)).max() > 1e-2, (
        "control must act for the comparison to mean anything"
    )
    assert torch.allclose(latent(windowed(run, schedule)), whole, atol=1e-4)
