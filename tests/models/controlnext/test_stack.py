"""ControlNeXt in a ControlNet Stack: masks act inside the UNet, chains with native nets, schedules, and a second base."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import comfy.model_patcher
import pytest
import torch
from armature_pack.tests.alike import assert_alike
from controlnext_recipes import (
    BY_NAME,
    applied,
    control,
    control_weights,
    hint_for,
    host_model,
    image,
    model_inputs,
    native_controlnet,
    prompt,
    sampled,
    t2i_adapter,
)
from plain_reference import RULES, Outcome, control_map, unet_outcome
from public_path import by_host_node, by_stack, node, one_call

NAME, BLOCK = "small_sd15", ("input", 3)
POSITIVE, NEGATIVE = prompt(1), prompt(2)


@pytest.fixture(scope="module")
def net() -> Any:
    with torch.inference_mode():
        return control("sd15_training")


def call(model: Any, conds: Any) -> Outcome:
    latent, timestep, _ = model_inputs(NAME)
    return one_call(model, *conds, latent, float(timestep[0]), BLOCK, 0)


def stacked(signals: list[Any], **stack: Any) -> tuple[Any, Any]:
    slots = {f"signal_{number}": signal for number, signal in enumerate(signals)}
    collected = node("ArmatureControlStack").execute(signals=slots, **stack).args[0]
    return node("ArmatureApplyControlStack").execute(POSITIVE, NEGATIVE, collected).args[:2]


def signal(net: Any, pixels: torch.Tensor, **settings: Any) -> Any:
    return node("ArmatureControlSignal").execute(net, pixels, **{"weight": 1.0, **settings}).args[0]


@pytest.mark.parametrize("masks", [1, 2])
def test_outside_the_mask_nothing_is_added(sd15, net, masks: int) -> None:
    pixels = hint_for(NAME).movedim(1, -1)
    mask = torch.zeros(masks, 128, 96)
    mask[0, :64] = 1.0
    mask[-1, :64, :48] = 0.5
    whole = call(sd15, by_stack(POSITIVE, NEGATIVE, net, pixels, 0.35))
    part = call(sd15, by_stack(POSITIVE, NEGATIVE, net, pixels, 0.35, mask=mask))
    assert part.h_before is not None and part.h_after is not None and whole.h_after is not None
    assert torch.equal(part.h_before, whole.h_before)
    change, full = part.h_after - part.h_before, whole.h_after - part.h_before
    assert torch.equal(part.h_after[..., 4:, :], part.h_before[..., 4:, :])
    assert bool((full[..., 4:, :] != 0).any())
    grid = torch.nn.functional.adaptive_avg_pool2d(mask, (8, 6))[:, None]
    torch.testing.assert_close(change, full * grid, atol=1e-5, rtol=1e-5)


def test_a_black_mask_is_no_control_at_all(sd15, net) -> None:
    pixels = hint_for(NAME).movedim(1, -1)
    black = call(sd15, by_stack(POSITIVE, NEGATIVE, net, pixels, 0.35, mask=torch.zeros(1, 8, 8)))
    assert torch.equal(black.y, call(sd15, (POSITIVE, NEGATIVE)).y)


def test_the_stack_equals_the_hosts_node_in_sampling(sd15, net) -> None:
    ours = sampled(sd15, *stacked([signal(net, image(), weight=0.7, start_percent=0.2, end_percent=0.9)]))
    theirs = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), 0.7, start=0.2, end=0.9))
    assert torch.equal(ours, theirs)


def test_order_in_a_stack_with_native_nets_does_not_matter(sd15, net) -> None:
    signals = [signal(one, image(), weight=0.7) for one in (net, native_controlnet(), t2i_adapter())]
    results = [sampled(sd15, *stacked(list(order)), steps=1) for order in permutations(signals)]
    for other in results[1:]:
        assert_alike(other, results[0])
    assert float((sampled(sd15, *stacked(signals[1:]), steps=1) - results[0]).abs().max()) > 0.1


def test_a_schedule_changes_the_strength_over_the_steps(sd15, net) -> None:
    constant = sampled(sd15, *stacked([signal(net, image())]), steps=3)
    falling = sampled(sd15, *stacked([signal(net, image(), schedule="0:1, 1:0")]), steps=3)
    assert bool(falling.isfinite().all()) and not torch.allclose(falling, constant)


def test_normalize_shares_the_weight(sd15, net) -> None:
    """Two equal signals under a budget of 1 act with half their weight each."""
    shared = sampled(sd15, *stacked([signal(net, image()), signal(net, image())], balance="normalize"), steps=1)
    halves = sampled(sd15, *stacked([signal(net, image(), weight=0.5) for _ in range(2)]), steps=1)
    assert torch.equal(shared, halves)


def test_one_file_serves_a_second_base(sd15, net) -> None:
    """The same loaded net on another ("fine-tuned") base, and back on the first: each exact, neither disturbed."""
    other = comfy.model_patcher.ModelPatcher(host_model(NAME, seed=6), torch.device("cpu"), torch.device("cpu"))
    latent, timestep, extra = model_inputs(NAME)
    pixels, rules = hint_for(NAME), RULES["sd15_training"]
    reference_map = control_map(control_weights(BY_NAME["sd15_training"].layout), pixels, timestep, rules.padding)
    results = []
    for model in (sd15, other, sd15):
        cond = [[extra["context"], {}]]
        results.append(call(model, by_host_node(cond, cond, net, pixels.movedim(1, -1), 0.35)).y)
        inputs = (latent, timestep, extra)
        expected = unet_outcome(model.model.diffusion_model, inputs, reference_map, rules).y
        torch.testing.assert_close(results[-1], expected, atol=1e-4, rtol=0)
    assert torch.equal(results[0], results[2]) and not torch.allclose(results[0], results[1], atol=0.1)


@pytest.mark.parametrize(("every", "maps"), [(1, 4), (2, 2), (3, 2)])
def test_savings_make_the_map_on_every_nth_step(sd15, net, monkeypatch, every: int, maps: int) -> None:
    exact = sampled(sd15, *stacked([signal(net, image())]), steps=4)
    times: list[float] = []
    finish = net.network.module.finish

    def counted(prepared: Any, timestep: torch.Tensor, endings: Any) -> torch.Tensor:
        times.append(float(timestep[0]))
        return finish(prepared, timestep, endings)

    monkeypatch.setattr(net.network.module, "finish", counted)
    collected = node("ArmatureControlStack").execute(signals={"signal_0": signal(net, image())}).args[0]
    savings = node("ArmatureControlSavings").execute(every=every).args[0]
    conds = node("ArmatureApplyControlStack").execute(POSITIVE, NEGATIVE, collected, savings=savings).args[:2]
    for _ in range(2):  # a second sampling starts afresh
        times.clear()
        saved = sampled(sd15, *conds, steps=4)
        assert len(times) == len(set(times)) == maps
        assert torch.equal(saved, exact) == (every == 1)
        assert bool(saved.isfinite().all())
