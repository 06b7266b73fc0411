"""Maps that are added as they are, and through a zero convolution, against direct formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.addition import fitting
from armature_pack.models.controlnext.injection import AfterMiddleBlock
from armature_pack.models.files.layouts.controlnext import LAYOUTS, PLAIN, STEM, Layout
from controlnext_recipes import BY_NAME, control_weights, hint_for, image, model_inputs, prompt
from public_path import by_host_node, by_stack, loaded, one_call
from torch.nn.functional import adaptive_avg_pool2d, conv2d
from trained_files import Weights, write, zero_convolution

TOLERANCE = 2e-6  # of the largest value: the order in which a processor adds up shows in sums near zero
STRENGTH = 0.35


def before_and_after(model: Any, net: Any, multipliers: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(hidden state before the map, and after it, the map) of a call of the UNet, seen by patches around ours."""
    latent, timestep, extra = model_inputs("small_sd15")
    link = net.copy().set_cond_hint(hint_for("small_sd15")[: 2 // multipliers], STRENGTH)
    link.pre_run(model.model, model.model.model_sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [0, 1][:multipliers]}
    link.get_control(latent, model.model.model_sampling.sigma(timestep), {}, multipliers, options)
    seen: list[torch.Tensor] = []

    def spy(hidden: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        if options["block"] == ("input", 3):
            seen.append(hidden.clone())
        return hidden

    key = "input_block_patch_after_skip"
    options["patches"][key] = [spy, *options["patches"][key], spy]
    model.model.diffusion_model(latent, timestep, transformer_options=options, **extra)
    control = link.network.module(link.cond_hint_original, timestep[:1], 1)
    return seen[0], seen[1], control


def as_it_is(hidden: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
    return hidden + STRENGTH * pooled(control, hidden)


def pooled(control: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    return adaptive_avg_pool2d(control, (hidden.shape[-2], hidden.shape[-1]))


@pytest.mark.parametrize("chunks", [1, 2])
def test_plain_addition_is_the_pooled_map(sd15, folder, chunks: int) -> None:
    net = loaded(write(folder, STEM, variant="sd15_training"), cross_normalization="plain")
    before, after, control = before_and_after(sd15, net, chunks)
    assert_alike(after, as_it_is(before, control))
    assert float((after - before).abs().max()) > 0.01


def assert_alike(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE * float(expected.abs().max()), rtol=0)


def test_a_zero_convolution_is_a_convolution_of_the_pooled_map(sd15, folder) -> None:
    last = zero_convolution(STEM)
    before, after, _ = before_and_after(sd15, loaded(write(folder, STEM, last, variant="sd15_training")))
    plain = loaded(write(folder, STEM, name="b.safetensors", variant="sd15_training", addition="plain"))
    control = before_and_after(sd15, plain)[2]
    added = conv2d(pooled(control, before), last["zero_convolution.weight"], last["zero_convolution.bias"])
    assert_alike(after, before + STRENGTH * added)
    assert float((after - before).abs().max()) > 0.01


def _unfolded(network: Any, last: Weights, pixels: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    control = network(pixels, timestep)
    return conv2d(control, last["zero_convolution.weight"].float(), last["zero_convolution.bias"].float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_folded_equals_unfolded(layout: Layout, dtype: torch.dtype, folder) -> None:
    last = {key: value.to(dtype) for key, value in zero_convolution(layout).items()}
    weights = {key: value.to(dtype) for key, value in control_weights(layout).items()}
    net = loaded(write(folder, layout, weights | last))
    plain = loaded(write(folder, layout, weights, name="b.safetensors"))
    pixels, timestep = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(2)), torch.tensor([500.0])
    found = net.network.module(pixels, timestep)
    expected = _unfolded(plain.network.module, last, pixels, timestep)
    assert_alike(found, expected)
    assert net.addition == "plain"


APPLIED: list[Callable[..., Any]] = [by_host_node, by_stack]


@pytest.mark.parametrize("apply", APPLIED, ids=["host", "stack"])
def test_every_way_to_apply_it(apply, sd15, folder) -> None:
    net = loaded(write(folder, STEM, variant="sd15_training", addition="plain"))
    shown = image(1, 128, 96)  # of the size of the inputs below
    positive, negative = apply(prompt(1), prompt(2), net, shown, STRENGTH)
    seen = one_call(sd15, positive, negative, model_inputs("small_sd15")[0][:1], 601.0, ("input", 3), 0)
    control = net.network.module(shown.movedim(-1, 1), torch.tensor([601.0]), 1)
    assert seen.h_before is not None and seen.h_after is not None
    torch.testing.assert_close(seen.h_after, as_it_is(seen.h_before, control), atol=1e-5, rtol=1e-5)


def test_a_zero_convolution_of_another_width_is_refused(folder) -> None:
    with pytest.raises(ValueError, match=r"1 of another shape \(zero_convolution\.weight\)"):
        loaded(write(folder, STEM, zero_convolution(STEM) | {"zero_convolution.weight": torch.zeros(8, 8, 1, 1)}))
    half = {"zero_convolution.weight": torch.zeros(320, 320, 1, 1)}
    with pytest.raises(ValueError, match=r"1 missing \(zero_convolution\.bias\)"):
        loaded(write(folder, STEM, half))
    with pytest.raises(ValueError, match=r"damaged: zero_convolution\.bias contains NaN"):
        loaded(write(folder, STEM, zero_convolution(STEM) | {"zero_convolution.bias": torch.full((320,), torch.nan)}))


def test_chunks_masks_and_the_middle_block(folder) -> None:
    """Each half of the guidance has a multiplier of its own; outside the mask the hidden state stays bit for bit."""
    net = loaded(write(folder, PLAIN, variant="sd15", addition="plain"))
    control = net.network.module(torch.rand(1, 3, 64, 48), torch.tensor([500.0]))
    hidden = torch.randn(4, 1280, 4, 2, generator=torch.Generator().manual_seed(3))
    how = fitting(net.addition, BY_NAME["sd15"].cross_normalization)
    mask = torch.zeros(1, 1, 32, 16)
    mask[..., :16, :] = 1.0
    patch = AfterMiddleBlock(control, how, (STRENGTH, 0.0), ("middle", 0), mask)
    after, skipped = patch(hidden, hidden, {"block": ("output", 0)})
    expected = as_it_is(hidden, control)
    assert_alike(after[:2, :, :2], expected[:2, :, :2])
    assert torch.equal(after[:2, :, 2:], hidden[:2, :, 2:])
    assert torch.equal(after[2:], hidden[2:]) and skipped is hidden
