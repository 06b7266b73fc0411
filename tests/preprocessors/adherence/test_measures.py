"""The measures on cases whose answers are known: identical, shifted by one pixel, inverted, blank."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.adherence import measures


def square(shift: int = 0, size: int = 48) -> torch.Tensor:
    """The outline of a square, one pixel wide, white on black."""
    picture = torch.zeros(size, size, 3)
    low, high = 10 + shift, 34 + shift
    picture[low, low : high + 1] = picture[high, low : high + 1] = 1
    picture[low : high + 1, low] = picture[low : high + 1, high] = 1
    return picture


def ramp(size: int = 32) -> torch.Tensor:
    return torch.linspace(0, 1, size).view(1, size, 1).expand(size, size, 3).contiguous()


BLANK = torch.zeros(48, 48, 3)


def test_edges_identical_shifted_blank_and_inverted():
    assert measures.edge_f1(square(), square(), 0).score == 1
    assert measures.edge_f1(square(1), square(), 1).score == 1
    assert measures.edge_f1(square(1), square(), 0).score < 0.1
    assert measures.edge_f1(square(4), square(), 2).score < 0.3
    assert measures.edge_f1(BLANK, square(), 2).score == 0
    assert measures.edge_f1(BLANK, BLANK, 2).score == 1
    inverted = measures.edge_f1(1 - square(), square(), 0)
    assert inverted.score == 0


def test_edge_precision_and_recall_are_told_apart():
    half = square()
    half[:22] = 0
    found = measures.edge_f1(half, square(), 0)
    assert found.details["precision"] == 1
    assert found.details["recall"] == pytest.approx(float(half[..., 0].sum() / square()[..., 0].sum()))
    expected = 2 * found.details["recall"] / (1 + found.details["recall"])
    assert found.score == pytest.approx(expected)


def test_ssim_equals_the_reference():
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    torch.manual_seed(0)
    x, y = torch.rand(40, 50, 1).expand(-1, -1, 3), torch.rand(40, 50, 1).expand(-1, -1, 3)
    _, full = structural_similarity(
        x[..., 0].double().numpy(),
        y[..., 0].double().numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        full=True,
    )
    assert measures.ssim(x, y, 0).score == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_ssim_identical_inverted_and_tiny():
    assert measures.ssim(square(), square(), 0).score == pytest.approx(1)
    assert measures.ssim(1 - ramp(), ramp(), 0).score < 0.5
    assert measures.ssim(torch.ones(3, 3, 3), torch.ones(3, 3, 3), 0).score == pytest.approx(1)


def test_depth_order_does_not_see_a_monotone_scale_but_sees_the_turned_one():
    same = measures.depth_order(0.2 + 0.5 * ramp(), ramp(), 0)
    assert same.score == pytest.approx(1)
    assert same.details["rmse"] == pytest.approx(0, abs=1e-6)
    assert measures.depth_order(ramp() ** 3, ramp(), 0).score == pytest.approx(1)
    assert measures.depth_order(1 - ramp(), ramp(), 0).score == pytest.approx(-1)
    assert measures.depth_order(torch.zeros(32, 32, 3), ramp(), 0).score == 0
    assert measures.depth_order(ramp().transpose(0, 1), ramp(), 0).score == pytest.approx(0, abs=1e-6)


def test_rank_correlation_equals_the_reference_with_ties():
    spearmanr = pytest.importorskip("scipy.stats").spearmanr
    torch.manual_seed(1)
    x, y = ((torch.rand(20, 20, 1) * 6).round().expand(-1, -1, 3) / 6 for _ in range(2))
    expected = spearmanr(x[..., 0].flatten().numpy(), y[..., 0].flatten().numpy()).statistic
    assert measures.depth_order(x, y, 0).score == pytest.approx(expected, abs=1e-9)


def test_mean_iou_of_halves():
    wanted, found = torch.zeros(10, 10, 3), torch.zeros(10, 10, 3)
    wanted[:, 5:, 0] = 1
    found[:, 6:, 0] = 1
    # red: 40 of 50; black: 50 of 60
    assert measures.mean_iou(found, wanted, 0).score == pytest.approx((0.8 + 50 / 60) / 2)
    assert measures.mean_iou(wanted, wanted, 0).score == 1
    assert measures.mean_iou(1 - wanted, wanted, 0).score == 0


def test_angles_between_normals():
    up, aside = torch.tensor([0.5, 1.0, 0.5]), torch.tensor([1.0, 0.5, 0.5])
    tilted = torch.tensor([math.sin(math.radians(20)), math.cos(math.radians(20)), 0]) * 0.5 + 0.5
    maps = [one.expand(4, 4, 3) for one in (up, aside, tilted)]
    assert measures.normal_angles(maps[1], maps[0], 0).details["mean_degrees"] == pytest.approx(90, abs=1e-3)
    assert measures.normal_angles(maps[1], maps[0], 0).score == 0
    near = measures.normal_angles(maps[2], maps[0], 0)
    assert near.details["mean_degrees"] == pytest.approx(20, abs=0.01)
    assert near.score == 1


def person(shift: float = 0.0) -> np.ndarray:
    points = np.array([[10.0 + 5 * i, 10.0 + 10 * i, 1.0] for i in range(10)])
    points[:, 0] += shift
    return points


def test_pck_counts_points_near_enough():
    assert measures.pck([person()], [person()]).score == 1
    assert measures.pck([person(8.9)], [person()]).score == 1  # the person is 90 pixels tall: 9 are allowed
    assert measures.pck([person(9.1)], [person()]).score == 0
    assert measures.pck([], [person()]).score == 0
    assert measures.pck([person(50), person()], [person()]).score == 1
    hidden = person()
    hidden[:5, 2] = 0
    assert measures.pck([hidden], [person()]).score == 0.5
