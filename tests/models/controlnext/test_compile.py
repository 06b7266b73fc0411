"""The same result under the host's compile node, whatever was compiled first."""

from __future__ import annotations

from typing import Any

import comfy.ldm.modules.attention as attention
import pytest
import torch
from armature_pack.tests.alike import assert_alike
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras.nodes_torch_compile import skip_torch_compile_dict
from controlnext_recipes import applied, control, image, prompt, sampled


@pytest.fixture()
def _traceable_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU's default attention asks the system for free memory, so that nothing around it is compiled."""
    monkeypatch.setattr(attention, "optimized_attention", attention.attention_pytorch)
    monkeypatch.setattr(attention, "optimized_attention_masked", attention.attention_pytorch)


@pytest.mark.usefixtures("_traceable_attention")
def test_changing_strength_range_and_number_of_links(sd15) -> None:
    torch._dynamo.reset()
    compiled = sd15.clone()
    options: Any = {"guard_filter_fn": skip_torch_compile_dict}
    set_torch_compile_wrapper(model=compiled, backend="eager", options=options)
    nets = [control("sd15_training"), control("sd15_training", seed=9)]
    runs: list[list[tuple[float, float, float]]] = [
        [],
        [(0.5, 0.3, 1.0)],
        [(1.0, 0.0, 1.0), (1.0, 0.0, 0.3)],
        [],
    ]
    plain = None
    for links in runs:
        conds = (prompt(1), prompt(2))
        for net, (strength, start, end) in zip(nets, links, strict=False):
            conds = applied(*conds, net, image(), strength, start=start, end=end)
        expected = sampled(sd15, *conds)
        assert plain is None or not links or not torch.allclose(expected, plain)
        plain = expected if plain is None else plain
        assert_alike(sampled(compiled, *conds), expected)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 1
    torch._dynamo.reset()
