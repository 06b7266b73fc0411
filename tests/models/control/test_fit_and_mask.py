"""Fitting a control image to the picture, and masks on the grids of residuals."""

from __future__ import annotations

import comfy.utils
import pytest
import torch
from armature_pack.models.control.fit import aspects_differ, describe_fit, fitted
from armature_pack.models.guidance.regions import masked, on_grid, token_grid


def striped(height: int, width: int) -> torch.Tensor:
    image = torch.zeros(1, 3, height, width)
    image[..., 0] = 1  # a line along the left edge
    return image


@pytest.mark.parametrize("size", [(50, 90), (90, 50), (33, 63), (64, 64)])
def test_crop_cuts_what_the_host_cuts(size):
    image = torch.rand(2, 3, *size)
    side = min(size)
    assert torch.equal(
        fitted(image, side, side, "crop"), comfy.utils.common_upscale(image, side, side, "area", "center")
    )


def test_crop_loses_the_edge_that_stretch_and_pad_keep():
    image = striped(64, 128)
    assert fitted(image, 64, 64, "crop").sum() == 0
    assert fitted(image, 64, 128, "stretch").sum() > 0
    padded = fitted(image, 128, 128, "pad")
    assert padded.shape[-2:] == (128, 128)
    assert padded[..., :32, :].sum() == 0 and padded[..., 96:, :].sum() == 0 and padded[0, 0, 32:96, 0].min() == 1


@pytest.mark.parametrize(
    ("size", "fit", "words"),
    [
        ((512, 1024), "crop", "crop cuts 50% of its width"),
        ((1024, 512), "crop", "crop cuts 50% of its height"),
        ((512, 1024), "stretch", "stretch changes its aspect by 100%"),
        ((512, 1024), "pad", "pad leaves 50% of the picture without control (above and below)"),
    ],
)
def test_what_fitting_costs_is_told_in_numbers(size, fit, words):
    assert words in describe_fit(size, (512, 512), fit)


def test_a_difference_under_one_percent_is_no_difference():
    assert not aspects_differ((512, 512), (512, 516))
    assert aspects_differ((512, 512), (512, 528))


@pytest.mark.parametrize("size", [(7, 5), (64, 64), (300, 17)])
def test_outside_the_mask_a_residual_is_exactly_zero_and_inside_untouched(size):
    mask = torch.zeros(1, *size)
    mask[:, :, : size[1] // 2 + 1] = 1
    residual = torch.rand(2, 4, 16, 16) + 1
    shaped = masked(residual, mask, (16, 16))
    first_free = -(-(size[1] // 2 + 1) * 16 // size[1]) + (1 if size[1] < 16 else 0) * 4
    assert torch.equal(shaped[..., first_free:], torch.zeros_like(shaped[..., first_free:]))
    assert torch.equal(shaped[..., :4], residual[..., :4])


def test_soft_edges_stay_soft():
    ramp = torch.linspace(0, 1, 64).expand(1, 64, 64)
    grid = on_grid(ramp, 8, 8, torch.zeros(1, 1, 8, 8))
    assert torch.allclose(grid[0, 0], ramp[0, 0].reshape(8, 8).mean(1))


def test_one_mask_for_each_picture_serves_every_chunk_of_the_batch():
    masks = torch.stack([torch.zeros(8, 8), torch.ones(8, 8)])
    residual = torch.ones(4, 3, 8, 8)  # conditional and unconditional halves of two pictures
    assert masked(residual, masks, (8, 8)).flatten(1).sum(1).tolist() == [0, 192, 0, 192]


def test_a_wrong_number_of_masks_is_named():
    with pytest.raises(ValueError, match="3 masks for a batch of 4"):
        masked(torch.ones(4, 1, 8, 8), torch.ones(3, 8, 8), (8, 8))


def test_tokens_take_the_mask_of_their_patch():
    mask = torch.zeros(1, 16, 16)
    mask[:, :8] = 1
    tokens = torch.ones(2, 64, 5)  # patches of 2x2 over a latent of 16x16
    shaped = masked(tokens, mask, (16, 16))
    assert shaped[:, :32].min() == 1 and shaped[:, 32:].max() == 0


def test_an_unknown_token_grid_is_named():
    assert token_grid(64, (16, 16)) == (8, 8)
    with pytest.raises(ValueError, match="65 tokens of a latent of 16x16"):
        token_grid(65, (16, 16))


def test_video_residuals_keep_their_frames():
    mask = torch.zeros(1, 4, 4)
    mask[:, :, :2] = 1
    assert masked(torch.ones(1, 2, 3, 4, 4), mask, (4, 4)).sum() == 2 * 3 * 4 * 2
