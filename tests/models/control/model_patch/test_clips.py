"""A clip that is one latent: maps, masks and weights by frame, and the host's context windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.frame_weights import FrameWeights
from comfy_extras import nodes_model_patch
from comfy_extras.nodes_context_windows import WanContextWindowsManualNode
from small_transformers import CASES, Encoder, model, model_patch, prompt, sampled

WAN = CASES["uni3c"]
SHAPE = WAN.shape()  # three frames, of 1, 4 and 4 pictures


def by_host(image: torch.Tensor, strength: float) -> Any:
    node = nodes_model_patch.WanUni3CControlnetApply()
    return node.apply_patch(model("wan"), model_patch("uni3c"), WAN.vae, image, strength, 0.0, 1.0)[0]


def run(
    image: torch.Tensor,
    base: Any = None,
    shape: tuple[int, ...] = SHAPE,
    vae: Encoder | None = None,
    steps: int = 2,
    **settings: Any,
) -> torch.Tensor:
    stack = ControlStack((ControlSignal(model_patch("uni3c"), image, **{"weight": 0.7, **settings}),))
    applied = apply_stack(prompt("wan", 1), prompt("wan", 2), stack, vae=vae or WAN.vae)
    return sampled(base or model("wan"), applied.positive, applied.negative, shape, steps)


def weights(text: str) -> FrameWeights:
    return FrameWeights.from_text(text)


@contextmanager
def behind_blocks() -> Iterator[list[tuple[int, torch.Tensor]]]:
    """(block, what is added to its tokens [B,N,C]) for each block but the last, in every call."""
    blocks = model("wan").model.diffusion_model.blocks
    kept: dict[int, torch.Tensor] = {}
    seen: list[tuple[int, torch.Tensor]] = []

    def out(number: int) -> Any:
        return lambda _block, _given, tokens: kept.__setitem__(number, tokens.clone())

    def into(number: int) -> Any:
        return lambda _block, given: seen.append((number, given[0] - kept[number]))

    hooks = [block.register_forward_hook(out(number)) for number, block in enumerate(blocks)]
    hooks += [block.register_forward_pre_hook(into(number)) for number, block in enumerate(blocks[1:])]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def test_constant_frame_weights_are_a_weight():
    image = WAN.image(3)
    plain = run(image)
    assert torch.equal(run(image, frame_weights=weights("0: 1")), plain)
    half = run(image, by_host(image, 0.35), weight=0.0)
    assert torch.allclose(run(image, frame_weights=weights("0: 0.5")), half, atol=1e-4)
    assert not torch.allclose(half, plain, atol=1e-2)


def test_weights_count_pictures_and_a_frame_has_the_mean_of_its_own():
    """Pictures 5 to 8 are in the last frame of the latent; a weight of 0 on all of them leaves its tokens alone."""
    image = WAN.image(3)
    with behind_blocks() as full:
        run(image, steps=1)
    with behind_blocks() as seen:
        run(image, frame_weights=weights("1, 1, 1, 1, 1, 0, 0, 0, 0"), steps=1)
    assert [block for block, _ in seen] == [block for block, _ in full] == [0, 1]
    for _, added in seen:
        first, second, third = added.unflatten(1, (3, 16)).unbind(1)
        assert not third.any() and first.any() and second.any()
    plain = full[0][1].unflatten(1, (3, 16))
    with behind_blocks() as seen:
        run(image, frame_weights=weights("0, 1, 1, 0, 0, 0.5, 0.5, 0.5, 0.5"), steps=1)
    first, second, third = seen[0][1].unflatten(1, (3, 16)).unbind(1)
    assert not first.any()
    assert torch.allclose(second, plain[:, 1] * 0.5, atol=1e-5) and torch.allclose(third, plain[:, 2] * 0.5, atol=1e-5)


def test_a_mask_holds_for_the_tokens_of_all_frames():
    mask = torch.zeros(1, 64, 64)
    mask[..., :32] = 1
    with behind_blocks() as seen:
        run(WAN.image(3), mask=mask, steps=1)
    for _, added in seen:
        grid = added.unflatten(1, (3, 4, 4))
        assert not grid[..., 2:, :].any() and all(frame[..., :2, :].any() for frame in grid.unbind(1))


def test_a_frame_that_the_clip_does_not_have_is_named():
    with pytest.raises(ValueError, match="frame 9, but the clip .* has 9 frames"):
        run(WAN.image(3), frame_weights=weights("9: 0.5"))


def test_every_map_of_the_clip_acts_and_those_that_are_too_few_are_held():
    image = WAN.image(3)
    other = image.clone()
    other[7] = 0
    assert not torch.equal(run(image), run(other))
    short = image[:6]
    held = torch.cat([short, short[-1:].expand(3, -1, -1, -1)])
    assert torch.equal(run(short), run(held))
    assert torch.equal(run(short), run(image, by_host(short, 0.7), weight=0.0))


# Context windows ------------------------------------------------------------------------------------------------------


def windowed(base: Any) -> Any:
    made: Any = WanContextWindowsManualNode.execute(base, 9, 4, "standard_static", 1, False, "pyramid", False)
    return made.args[0]


def test_a_window_sees_its_part_of_the_clip_and_of_the_weights():
    """Seven frames in windows of three. The maps are encoded once, for the whole clip."""
    shape, vae = WAN.shape(frames=7), WAN.vae
    image = WAN.image(3, frames=25)
    base = windowed(model("wan"))
    full = run(image, base, shape, vae)
    assert vae.calls == 1
    late = image.clone()
    late[21:] = 0  # the last frame of the latent
    assert not torch.equal(run(late, base, shape), full)  # which the host's own patch shows to no window
    zero = weights(", ".join(["1"] * 21 + ["0"] * 4))
    with behind_blocks() as seen:
        run(image, base, shape, steps=1, frame_weights=zero)
    frames = [added.shape[1] // 16 for _, added in seen]
    silent = [[not frame.any() for frame in added.unflatten(1, (-1, 16)).unbind(1)] for _, added in seen]
    assert max(frames) < 7
    assert any(one[-1] and not any(one[:-1]) for one in silent) and any(not any(one) for one in silent)
    assert all(not any(one[:-1]) for one in silent)
