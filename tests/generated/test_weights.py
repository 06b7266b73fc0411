"""The rules by which random weights are drawn."""

from __future__ import annotations

import pytest
import torch
from armature_pack.tests.generated.weights import random_weights

KERNEL = {"conv.weight": (64, 32, 3, 3)}


def test_a_kernel_keeps_the_scale_of_activations() -> None:
    kernel = random_weights(KERNEL, 1, "float32")["conv.weight"]
    assert kernel.std().item() == pytest.approx((32 * 9) ** -0.5, rel=0.02)
    assert kernel.mean().item() == pytest.approx(0, abs=1e-3)


def test_gains_scale_the_names_that_hold_them() -> None:
    plain, scaled = (random_weights(KERNEL, 1, "float32", gains)["conv.weight"] for gains in ({}, {"conv.": 3.0}))
    assert torch.allclose(scaled, 3 * plain)


def test_norms_scatter_around_one_and_biases_around_zero() -> None:
    drawn = random_weights({"norm.weight": (4096,), "norm.bias": (4096,)}, 1, "float32")
    assert drawn["norm.weight"].mean().item() == pytest.approx(1, abs=0.02)
    assert drawn["norm.bias"].mean().item() == pytest.approx(0, abs=0.02)
    assert drawn["norm.weight"].std() > 0.05
    assert drawn["norm.bias"].std() > 0.02


def test_a_tensor_does_not_depend_on_its_neighbours() -> None:
    alone = random_weights(KERNEL, 1, "float32")
    together = random_weights({"first.weight": (5, 5), **KERNEL}, 1, "float32")
    assert torch.equal(alone["conv.weight"], together["conv.weight"])


def test_seeds_and_names_decide_the_values() -> None:
    first = random_weights({"a.weight": (8, 8), "b.weight": (8, 8)}, 1, "float32")
    other_seed = random_weights({"a.weight": (8, 8)}, 2, "float32")
    assert not torch.equal(first["a.weight"], first["b.weight"])
    assert not torch.equal(first["a.weight"], other_seed["a.weight"])


def test_the_type_is_the_one_asked_for() -> None:
    assert random_weights(KERNEL, 1, "float8_e4m3fn")["conv.weight"].dtype == torch.float8_e4m3fn
