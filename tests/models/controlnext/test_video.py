"""Video: one map per frame, the two halves of the guidance, and clips that are longer than the model's batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.control import ControlNeXt
from armature_pack.models.controlnext.hint import hint_rows
from armature_pack.models.guidance.batch_view import Window
from armature_pack.tests.alike import assert_alike
from comfy.context_windows import IndexListContextWindow
from controlnext_recipes import BY_NAME, base_stub, control, control_weights, image
from plain_reference import RULES, control_map, unet_outcome
from public_path import by_host_node, by_stack, node, predicted

LENGTH, OVERLAP, TIME = 4, 2, 0.3


def windowed(model: Any, length: int = LENGTH, overlap: int = OVERLAP, reference_first: bool = True) -> Any:
    return node("ArmatureControlNeXtWindows").execute(model, length, overlap, reference_first).args[0]


def latents(frames: int) -> torch.Tensor:
    return torch.randn(frames, 4, 4, 4, generator=torch.Generator().manual_seed(frames))


def pixels(frames: int) -> torch.Tensor:
    return image(frames, 32, 32)


def conds(net: Any, maps: torch.Tensor, apply: Any = by_host_node, strength: float = 1.0) -> Any:
    texts = [torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    options = {"concat_latent_image": torch.zeros(1, 4, 4, 4), "fps": 7, "motion_bucket_id": 128}
    positive, negative = ([[text, dict(options)]] for text in texts)
    return (positive, negative) if net is None else apply(positive, negative, net, maps, strength)


def windows_of_the_reference(frames: int, length: int, overlap: int) -> list[list[int]]:
    """The authors' rule: a start every length - overlap frames, and the last window ends with the clip."""
    starts = range(0, frames - overlap, length - overlap)
    return [list(range(min(start, frames - length), min(start + length, frames))) for start in starts]


# Windows --------------------------------------------------------------------------------------------------------------


def expected_prediction(model: Any, frames: int, pinned: bool) -> torch.Tensor:
    """Every window on its own with the plain reference, averaged frame by frame, guided by hand."""
    latent, maps = latents(frames), pixels(frames).movedim(-1, 1)
    weights = control_weights(BY_NAME["svd_v2"].layout)
    totals, counts = torch.zeros(2, *latent.shape), torch.zeros(frames, 1, 1, 1)
    sampling = model.model.model_sampling
    sigma = sampling.sigma(torch.tensor(TIME))
    positive, negative = conds(None, maps)
    for number, rows in enumerate(windows_of_the_reference(frames, LENGTH, OVERLAP)):
        chosen = maps[[0, *rows[1:]] if pinned else rows]
        c = control_map(weights, chosen, torch.full((LENGTH,), TIME), 0)
        kept = torch.tensor([not (pinned and number > 0 and place == 0) for place in range(LENGTH)])[
            :, None, None, None
        ]
        for half, (cond, factor) in enumerate(((positive, 0.2), (negative, 0.0))):
            rules = replace(RULES["svd_v2"], factors=(factor,) * LENGTH)
            extra = model.model.extra_conds(
                noise=latent[rows], cross_attn=cond[0][0].repeat(LENGTH, 1, 1), fps=7, motion_bucket_id=128
            )
            extra = {
                "context": extra["c_crossattn"].cond,
                "y": extra["y"].cond.repeat(LENGTH, 1),
                "num_video_frames": LENGTH,
            }
            seen = torch.cat([latent[rows], torch.zeros(LENGTH, 4, 4, 4)], 1)
            y = unet_outcome(model.model.diffusion_model, (seen, torch.full((LENGTH,), TIME), extra), c, rules).y
            x0 = sampling.calculate_denoised(sigma.repeat(LENGTH), y, latent[rows] * (sigma**2 + 1) ** 0.5)
            totals[half, rows] += x0 * kept
        counts[rows] += kept
    cond, uncond = totals / counts
    return model.model.process_latent_out(uncond + 3.0 * (cond - uncond))


@pytest.mark.parametrize(("frames", "pinned", "apply"), [(7, True, by_stack), (6, False, by_host_node)])
def test_a_long_clip_is_the_average_of_its_windows(svd, frames: int, pinned: bool, apply, monkeypatch) -> None:
    net = control("svd_v2")
    if not pinned:  # v1's rule, on a network of the size that the small UNet needs
        unpinned = (replace(BY_NAME["svd_v2"], pins_first_map=False),)
        monkeypatch.setattr(net.network, "variants", unpinned)
    positive, negative = conds(net, pixels(frames), apply)
    found = predicted(windowed(svd, reference_first=pinned), positive, negative, latents(frames), TIME)
    expected = expected_prediction(svd, frames, pinned)
    assert_alike(found, expected)
    without = predicted(windowed(svd, reference_first=pinned), *conds(None, pixels(frames)), latents(frames), TIME)
    assert float((without - expected).abs().max()) > 0.01


def test_a_clip_that_fits_is_sampled_as_without_windows(svd) -> None:
    net = control("svd_v2")
    given = conds(net, pixels(LENGTH))
    whole = predicted(svd, *given, latents(LENGTH), TIME)
    assert torch.equal(predicted(windowed(svd), *given, latents(LENGTH), TIME), whole)


@pytest.mark.parametrize("frames", [25, 26, 42, 43, 60, 240])
@pytest.mark.parametrize(("length", "overlap"), [(24, 6), (14, 4), (24, 1)])
def test_the_windows_are_the_references(svd, frames: int, length: int, overlap: int) -> None:
    handler = windowed(svd, length, overlap).model_options["context_handler"]
    assert handler.context_schedule.func(frames, handler, {}) == windows_of_the_reference(frames, length, overlap)


@pytest.mark.parametrize(("length", "overlap", "pinned"), [(4, 0, True), (4, 4, True), (4, 5, False), (4, -1, False)])
def test_windows_that_leave_frames_out_are_refused(svd, length: int, overlap: int, pinned: bool) -> None:
    with pytest.raises(ValueError, match=rf"Windows of {length} frames with an overlap of {overlap} do not cover"):
        windowed(svd, length, overlap, pinned)


def test_memory_does_not_grow_with_the_clip(monkeypatch) -> None:
    """Bytes that the network keeps, at their highest over all windows of two steps, for clips of three lengths."""
    highest = []
    for frames in (6, 12, 24):
        link = control("svd_v2").set_cond_hint(image(frames, 50, 50).movedim(-1, 1), 1.0)
        cache = link.network.cache
        monkeypatch.setattr(cache.prepared, "limit", 2_000_000)
        monkeypatch.setattr(cache.resized, "limit", 80_000)
        seen = []
        for window, time in product(windows_of_the_reference(frames, LENGTH, OVERLAP), (TIME, 0.2)):
            call(link, LENGTH, [0], time, context_window=IndexListContextWindow(window, total_frames=frames))
            maps = [one for one in cache._maps.values() if isinstance(one, torch.Tensor)]
            assert [len(one) for one in maps] == [LENGTH]
            seen.append(cache.prepared.bytes + cache.resized.bytes + sum(one.nbytes for one in maps))
        highest.append(max(seen))
        link.cleanup()
        assert cache.prepared.bytes == cache.resized.bytes == 0 and not cache._maps and not cache._hints
    assert highest[0] == highest[1] == highest[2] > 0
    # Bounds that even the shorter clip of these small maps reaches, as it does in full size with those that there are.
    monkeypatch.setattr("armature_pack.models.controlnext.network._PASS_ELEMENTS", 2**20)
    monkeypatch.setattr("armature_pack.models.controlnext.network.PREPARED_BYTES", 2**23)
    hints = [torch.zeros(1, 3, 72, 40).expand(frames, -1, -1, -1) for frames in (48, 480)]
    needs = {control("svd_v2").set_cond_hint(hint, 1.0).inference_memory_requirements(torch.float16) for hint in hints}
    assert len(needs) == 1


# Frames and halves ----------------------------------------------------------------------------------------------------


def test_frame_zero_belongs_to_the_reference_image() -> None:
    window = Window((3, 4, 5), 9)
    assert hint_rows(9, 3, window, True, "a") == (0, 4, 5)
    assert hint_rows(9, 3, window, False, "a") == (3, 4, 5)
    assert hint_rows(3, 3, None, True, "a") == (0, 1, 2)
    assert hint_rows(1, 3, window, True, "a") == (0,)


@pytest.mark.parametrize("frames", [2, 4, 8])
def test_a_map_for_each_frame_is_needed(svd, frames: int) -> None:
    with pytest.raises(ValueError, match=rf"got {frames} control images for 3 latent images"):
        predicted(svd, *conds(control("svd_v2"), pixels(frames)), latents(3), TIME)


def test_a_missing_map_for_the_reference_image_is_explained(svd) -> None:
    with pytest.raises(ValueError, match="got 6 control images for 7.*first map is that of the reference image"):
        predicted(windowed(svd), *conds(control("svd_v2"), pixels(6)), latents(7), TIME)


@pytest.mark.parametrize(
    ("name", "scale", "conditional", "unconditional"),
    [
        ("svd", 1.0, 0.950376, 0.65),
        ("svd", -0.5, 0.490802, 0.65),
        ("svd_v2", 1.0, 0.2, 0.0),
    ],
)
@pytest.mark.parametrize("halves", [[0, 1], [1, 0], [1, 0, 0], [0]])
def test_the_halves_of_the_guidance(
    name: str, scale: float, conditional: float, unconditional: float, halves: list[int]
) -> None:
    (patch,) = patches_of(name, scale, halves, strength=0.5)
    expected = [0.5 * (conditional if half == 0 else unconditional) for half in halves]
    assert patch.multipliers == pytest.approx(expected, abs=1e-6)


def test_the_unconditional_half_of_v2_alone_costs_nothing() -> None:
    assert patches_of("svd_v2", 1.0, [1], strength=1.0) == []
    assert len(patches_of("svd", 1.0, [1], strength=1.0)) == 1


def patches_of(name: str, scale: float, halves: list[int], strength: float) -> list[Any]:
    net: ControlNeXt = control(name)
    net.network.scale = scale
    return call(net.set_cond_hint(pixels(3).movedim(-1, 1), strength), 3, halves, TIME)


def call(link: ControlNeXt, frames: int, halves: list[int], time: float, **options: Any) -> list[Any]:
    """The patches that a link installs for one call of a video UNet."""
    model = base_stub("svd_v2" if link.network.module.layout.out_channels == 320 else "svd")
    if link._run is None:
        link.pre_run(model, model.model_sampling.percent_to_sigma)
    options["cond_or_uncond"] = halves
    count = frames * len(halves)
    sigmas = model.model_sampling.sigma(torch.full((count,), time))
    link.get_control(torch.zeros(count, 4, 8, 8), sigmas, {}, len(halves), options)
    return [patch for patches in options.get("patches", {}).values() for patch in patches]
