"""Cross Normalization against the reference's numbers, and its other form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.cross_normalization import CrossNormalization
from armature_pack.models.controlnext.injection import AfterInputBlock
from controlnext_recipes import BY_NAME, assert_reference, fixture, module, module_inputs

CASES = fixture("control_module.json")["variants"]
INJECTIONS = fixture("injection.json")["cases"]


def _id(case: dict[str, Any]) -> str:
    return f"{case['variant']}-{case['control_case']}-{case['h_shape'][-2]}"


@pytest.mark.parametrize("case", INJECTIONS, ids=_id)
def test_addition_equals_the_reference(case: dict[str, Any]) -> None:
    variant = BY_NAME[case["variant"]]
    normalization = variant.cross_normalization
    assert normalization.pool_first == (case["order"] == "pool->normalise") and normalization.eps == case["eps"]
    shape = CASES[variant.name]["cases"][case["control_case"]]["input_shape"]
    control = module(variant.name)(*module_inputs(case["control_case"], shape), variant.stem_padding)
    torch.manual_seed(4242)
    hidden = torch.randn(case["h_shape"]) * 1.7 + 0.3
    assert_reference(hidden, case["h"])
    added = normalization(control, hidden)
    if isinstance(case["multiplier"], float):
        result = hidden + case["multiplier"] * added
    else:
        halves = [variant.multiplier(1.0, False)] * 3 + [variant.multiplier(1.0, True)] * 3
        result = hidden + torch.tensor(halves)[:, None, None, None] * added
    assert_reference(result, case["out"])


def test_paper_form_is_equation_ten() -> None:
    torch.manual_seed(0)
    control, hidden = torch.randn(2, 8, 4, 4) * 3 + 1, torch.randn(2, 8, 4, 4) * 2 - 1
    flat = hidden.flatten(1)
    mean = flat.sum(1) / flat.shape[1]
    variance = ((flat - mean[:, None]) ** 2).sum(1) / flat.shape[1]
    expected = (control - mean[:, None, None, None]) / (variance[:, None, None, None] + 1e-5) ** 0.5
    paper = CrossNormalization(pool_first=True, eps=1e-5, form="paper")(control, hidden)
    torch.testing.assert_close(paper, expected)
    code = CrossNormalization(pool_first=True, eps=1e-5)(control, hidden)
    assert not torch.allclose(paper, code, atol=0.1)


def test_code_form_gives_the_map_the_statistics_of_the_hidden_state() -> None:
    torch.manual_seed(0)
    control, hidden = torch.randn(1, 8, 4, 4) * 30 + 5, torch.randn(3, 8, 4, 4) * 2 - 1
    added = CrossNormalization(pool_first=False, eps=1e-12)(control, hidden)
    axes = (1, 2, 3)
    torch.testing.assert_close(added.mean(axes), hidden.mean(axes), atol=1e-5, rtol=0)
    torch.testing.assert_close(added.std(axes), hidden.std(axes), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("value", [0.0, 0.1, -37.7])
@pytest.mark.parametrize("pool_first", [True, False])
def test_a_constant_map_stays_finite(dtype: torch.dtype, value: float, pool_first: bool) -> None:
    hidden = torch.randn(2, 320, 16, 12, generator=torch.Generator().manual_seed(1)).to(dtype)
    control = torch.full((1, 320, 17, 13), value)
    normalization = CrossNormalization(pool_first=pool_first, eps=1e-12)
    result = AfterInputBlock(control, normalization, (1.0,), ("input", 0))(hidden, {"block": ("input", 0)})
    assert result.dtype == dtype and bool(result.isfinite().all())
    expected = hidden.float() + hidden.float().mean((1, 2, 3), keepdim=True)  # nothing but the mean is left of the map
    torch.testing.assert_close(result.float(), expected, atol=0.05, rtol=0)


def test_a_mask_limits_the_addition() -> None:
    hidden, control = torch.randn(2, 8, 6, 4), torch.randn(1, 8, 6, 4)
    mask = torch.zeros(1, 1, 48, 32)
    mask[..., :24, :] = 1.0
    normalization = CrossNormalization(pool_first=True, eps=1e-12)
    options = {"block": ("input", 0)}
    masked = AfterInputBlock(control, normalization, (1.0,), ("input", 0), mask)(hidden, options)
    whole = AfterInputBlock(control, normalization, (1.0,), ("input", 0))(hidden, options)
    torch.testing.assert_close(masked[..., :3, :], whole[..., :3, :])
    assert torch.equal(masked[..., 3:, :], hidden[..., 3:, :])
