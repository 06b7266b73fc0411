"""Half precision with maps of no contrast, and the network's weights under the host's memory management."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.model_patcher
import pytest
import torch
from comfy.patcher_extension import WrappersMP
from controlnext_recipes import applied, control, host_model, image, prompt, sampled
from public_path import by_host_node, by_stack

CPU = torch.device("cpu")
POSITIVE, NEGATIVE = prompt(1), prompt(2)
TINY: Any = {"steps": 1, "size": (6, 4)}  # processors are slow in half precision


@pytest.fixture(scope="module", params=[torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def half(request: pytest.FixtureRequest) -> Any:
    with torch.inference_mode():
        return comfy.model_patcher.ModelPatcher(host_model("small_sd15", dtype=request.param), CPU, CPU)


def constant_net(dtype: torch.dtype) -> Any:
    """A file whose map is one colour, whatever the image."""
    net = control("sd15_training", dtype=dtype)
    net.network.module.mid_convs[1].weight.zero_()
    return net


@pytest.mark.parametrize(
    ("stored", "apply"), [(torch.float16, by_host_node), (torch.bfloat16, by_host_node), (torch.float32, by_stack)]
)
def test_a_constant_map_stays_finite(half, stored: torch.dtype, apply: Any) -> None:
    assert half.model.get_dtype() in (torch.float16, torch.bfloat16)
    conds = apply(POSITIVE, NEGATIVE, constant_net(stored), torch.zeros(1, 48, 32, 3), 1.0)
    assert bool(sampled(half, *conds, **TINY).isfinite().all())


def test_half_precision_follows_the_full_one(half, sd15) -> None:
    """The network computes in float32 in both, so what differs is the UNet's own rounding."""
    conds = applied(POSITIVE, NEGATIVE, control("sd15_training"), image(), 0.35)
    exact, rounded = sampled(sd15, *conds, **TINY), sampled(half, *conds, **TINY)
    plain = sampled(half, POSITIVE, NEGATIVE, **TINY) - sampled(sd15, POSITIVE, NEGATIVE, **TINY)
    assert float((rounded - exact).abs().mean()) < 3.0 * float(plain.abs().mean())


def test_the_host_loads_and_frees_the_network(sd15) -> None:
    net = control("sd15_training")
    seen: list[bool] = []

    def look(executor: Any, *args: Any, **kwargs: Any) -> Any:
        loaded = [one.model for one in comfy.model_management.current_loaded_models]
        seen.append(any(one is net.network.patcher for one in loaded))
        return executor(*args, **kwargs)

    watched = sd15.clone()
    watched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "look", look)
    for conds in (
        applied(POSITIVE, NEGATIVE, net, image()),
        by_stack(POSITIVE, NEGATIVE, net, image(), 1.0),
    ):
        link = conds[0][0][1]["control"]
        assert net.network.patcher in link.get_models()
        assert link.inference_memory_requirements(torch.float32) > 0
        sampled(watched, *conds, steps=1)
    assert seen and all(seen)
    comfy.model_management.unload_all_models()
    assert not any(one.model is net.network.patcher for one in comfy.model_management.current_loaded_models)
    assert bool(sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image()), steps=1).isfinite().all())


def test_the_patcher_knows_the_networks_size() -> None:
    net = control("sd15_training")
    assert net.network.patcher.model_size() == 4 * 3_526_400
    assert control("sd15_training", dtype=torch.float16).network.patcher.model_size() == 2 * 3_526_400
