"""IP-Adapter beside other packs, under torch.compile, in half precision, with weights that others change."""

from __future__ import annotations

from typing import Any

import comfy.sd
import pytest
import torch
from armature_pack.models.controlnext.unet_weights import apply_unet_weights
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.alike import alike, assert_alike
from armature_pack.tests.generated.weights import random_weights
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras.nodes_torch_compile import skip_torch_compile_dict
from foreign_pack import with_foreign_patch
from ip_adapter_recipes import adapter, narrow_model, picture, sampled


@pytest.fixture(scope="module")
def base() -> Any:
    return adapter("base", "sd15")


@pytest.fixture
def apply(base, encoder):
    def run(model: Any, ip_adapter: Any = base, **inputs: Any) -> Any:
        return ArmatureApplyIPAdapter.execute(
            model, ip_adapter, **{"image": picture(), "clip_vision": encoder, **inputs}
        ).args[0]

    return run


@pytest.mark.parametrize("exact_layer", [False, True])
def test_another_packs_patch_on_the_same_layers(exact_layer, sd15, apply) -> None:
    foreign = with_foreign_patch(sd15, exact_layer=exact_layer)
    ours = apply(sd15)
    alone, other = sampled(ours), sampled(foreign)
    first = apply(with_foreign_patch(sd15, exact_layer=exact_layer))
    last = with_foreign_patch(apply(sd15), exact_layer=exact_layer)
    both = sampled(first)
    assert not torch.equal(both, alone) and not torch.equal(both, other)
    assert torch.equal(sampled(last), both)  # in any order
    assert torch.equal(sampled(ours), alone) and torch.equal(sampled(foreign), other)  # and nothing leaks
    assert torch.equal(sampled(apply(foreign, weight=0)), other)


def test_two_foreign_patches_and_two_of_ours(sd15, apply) -> None:
    model = with_foreign_patch(apply(with_foreign_patch(apply(sd15)), image=picture(9)))
    without = with_foreign_patch(with_foreign_patch(sd15))
    assert not torch.equal(sampled(model), sampled(without))


def as_traced(graph: Any, _inputs: Any, **_options: Any) -> Any:
    """A backend that runs the traced graph as it is. One for all: what one network traced, another may use again."""
    return graph.forward


def compiled(model: Any) -> Any:
    """As the host's compile node does it."""
    clone = model.clone()
    settings: dict[str, Any] = {
        "backend": as_traced,
        "options": {"guard_filter_fn": skip_torch_compile_dict},
    }
    set_torch_compile_wrapper(model=clone, **settings)
    return clone


def test_compiled_networks_follow_every_change(apply) -> None:
    """One network compiled without pictures, with them, with others, and with others in the first step only."""
    torch._dynamo.reset()
    plain, tiny = narrow_model("tiny"), adapter("base", "tiny")
    acting, other = apply(plain, tiny), apply(plain, tiny, image=picture(4))
    assert not torch.equal(sampled(acting), sampled(plain))
    for model in (plain, acting, other, apply(plain, tiny, image=picture(4), end_percent=0.4), plain):
        assert_alike(sampled(compiled(model)), sampled(model))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype, apply) -> None:
    model = narrow_model("sd15", dtype)
    found = sampled(apply(model))
    assert torch.isfinite(found).all() and not torch.equal(found, sampled(model))


def test_a_batch_of_pictures(sd15, apply) -> None:
    both = sampled(apply(sd15), pictures=3)
    assert both.shape[0] == 3
    alone = sampled(apply(sd15))
    assert_alike(both[:1], alone)


def test_halves_that_run_one_after_the_other(sd15, apply) -> None:
    """Conditionings that cannot share a batch (their texts differ in length by no common factor)."""
    from ip_adapter_recipes import prompt

    positive, negative = prompt(1, "sd15", tokens=7, area=(8, 16, 0, 0)), prompt(2, "sd15", tokens=11)
    found = sampled(apply(sd15), positive=positive, negative=negative)
    assert not torch.equal(found, sampled(sd15, positive=positive, negative=negative))


def unet_changes(model: Any) -> dict[str, torch.Tensor]:
    state = model.model.diffusion_model.state_dict()
    shapes = {key: tuple(one.shape) for key, one in state.items() if "attn2.to_out.0.weight" in key}
    return {key: 0.2 * one for key, one in random_weights(shapes, 77, "float32").items()}


def lora(model: Any) -> dict[str, torch.Tensor]:
    shapes: dict[str, tuple[int, ...]] = {}
    for key, one in model.model.diffusion_model.state_dict().items():
        if key.endswith(".to_q.weight"):
            name = "lora_unet_" + key.removesuffix(".weight").replace(".", "_")
            shapes[f"{name}.lora_up.weight"], shapes[f"{name}.lora_down.weight"] = (one.shape[0], 4), (4, one.shape[1])
    return random_weights(shapes, 78, "float32")


def test_lora_controlnext_weights_and_ip_adapter_in_any_order(sd15, apply) -> None:
    changes, low_rank = unet_changes(sd15), lora(sd15)
    steps = {
        "ip_adapter": apply,
        "controlnext": lambda model: apply_unet_weights(model, changes, 1.0, "delta")[0],
        "lora": lambda model: comfy.sd.load_lora_for_models(model, None, low_rank, 0.8, 0.0)[0],
    }
    results = []
    for order in (
        ("ip_adapter", "controlnext", "lora"),
        ("lora", "ip_adapter", "controlnext"),
        ("controlnext", "lora", "ip_adapter"),
    ):
        model = sd15
        for step in order:
            model = steps[step](model)
        results.append(sampled(model))
    for other in results[1:]:
        assert_alike(other, results[0])
    for left_out in steps:
        model = sd15
        for name, step in steps.items():
            model = model if name == left_out else step(model)
        assert not alike(sampled(model), results[0])
