"""ControlNeXt as a CONTROL_NET in the host's sampling: chains, ranges, batches, areas, masks, cost, clean-up."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import pytest
import torch
from armature_pack.models.controlnext.control import ControlNeXt
from armature_pack.tests.alike import assert_alike
from controlnext_recipes import (
    applied,
    base_stub,
    control,
    image,
    native_controlnet,
    prompt,
    sampled,
    t2i_adapter,
)

POSITIVE, NEGATIVE = prompt(1), prompt(2)


@pytest.fixture(scope="module")
def net() -> ControlNeXt:
    with torch.inference_mode():
        return control("sd15_training")


@pytest.fixture(scope="module")
def plain(sd15) -> torch.Tensor:
    with torch.inference_mode():
        return sampled(sd15, POSITIVE, NEGATIVE)


# Strength and range ---------------------------------------------------------------------------------------------------


def test_it_acts_and_leaves_nothing_behind(sd15, net, plain) -> None:
    before = dict(sd15.model_options["transformer_options"])
    first = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image()))
    assert float((first - plain).abs().max()) > 0.1
    assert torch.equal(sampled(sd15, POSITIVE, NEGATIVE), plain)
    assert torch.equal(sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image())), first)
    assert sd15.model_options["transformer_options"] == before


def test_strength_changes_the_result_and_zero_adds_nothing(sd15, net, plain) -> None:
    half = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), 0.5))
    assert not torch.allclose(half, sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), 1.0)))
    link = net.copy().set_cond_hint(image().movedim(-1, 1), 0.0)
    conditioned = [[[text, {**options, "control": link}] for text, options in cond] for cond in (POSITIVE, NEGATIVE)]
    assert torch.equal(sampled(sd15, *conditioned), plain)


def test_outside_its_range_it_adds_nothing(sd15, net, plain) -> None:
    assert torch.equal(sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), start=1.0, end=1.0)), plain)
    whole = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image()))
    first_step = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), end=0.3))
    second_step = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(), start=0.3))
    assert not any(torch.equal(a, b) for a, b in ((whole, first_step), (whole, second_step), (plain, second_step)))


def test_out_of_range_call_installs_nothing(net) -> None:
    model = base_stub("small_sd15")
    link = net.copy().set_cond_hint(image().movedim(-1, 1), 1.0, (0.5, 0.6))
    link.pre_run(model, model.model_sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [0]}
    sigma = model.model_sampling.sigma(torch.tensor([999.0]))
    assert link.get_control(torch.zeros(1, 4, 8, 6), sigma, {}, 1, options) is None
    assert options == {"cond_or_uncond": [0]}


def test_a_black_image_is_not_no_control(sd15, net, plain) -> None:
    black = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, torch.zeros(1, 64, 48, 3)))
    assert float((black - plain).abs().max()) > 0.01


# Chains ---------------------------------------------------------------------------------------------------------------


def test_order_in_a_chain_with_native_nets_does_not_matter(sd15, net) -> None:
    nets = {"next": net, "native": native_controlnet(), "t2i": t2i_adapter()}
    results = []
    for order in (("next", "native", "t2i"), ("native", "next", "t2i"), ("t2i", "native", "next")):
        conds = (POSITIVE, NEGATIVE)
        for name in order:
            conds = applied(*conds, nets[name], image(), 0.7)
        results.append(sampled(sd15, *conds))
    without = applied(*applied(POSITIVE, NEGATIVE, nets["native"], image(), 0.7), nets["t2i"], image(), 0.7)
    assert float((results[0] - sampled(sd15, *without)).abs().max()) > 0.1
    for other in results[1:]:
        assert_alike(other, results[0])


def test_two_files_in_one_chain_both_act(sd15, net) -> None:
    second = control("sd15_training", seed=9)
    one = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image()))
    both = sampled(sd15, *applied(*applied(POSITIVE, NEGATIVE, net, image()), second, image(seed=5)))
    assert float((both - one).abs().max()) > 0.1


# Conditionings --------------------------------------------------------------------------------------------------------


def test_batched_and_separate_conditionings_agree(sd15, net, monkeypatch) -> None:
    conds = applied(POSITIVE, NEGATIVE, net, image(2))
    batched = sampled(sd15, *conds, pictures=2)
    monkeypatch.setattr(sd15.model, "memory_required", lambda *a, **k: 1e30)
    assert_alike(sampled(sd15, *conds, pictures=2), batched)


def test_conditionings_with_images_of_their_own(sd15, net) -> None:
    """Each conditioning is steered by its own image, whatever runs in one batch with it."""
    first, second = image(seed=1).movedim(-1, 1), image(seed=2).movedim(-1, 1)
    a, b = net.copy().set_cond_hint(first, 1.0), net.copy().set_cond_hint(second, 1.0)
    mixed = sampled(sd15, prompt(1, control=a), prompt(2, control=b))
    swapped = sampled(sd15, prompt(1, control=b), prompt(2, control=a))
    same = sampled(sd15, prompt(1, control=a), prompt(2, control=net.copy().set_cond_hint(first, 1.0)))
    assert not torch.allclose(mixed, swapped) and not torch.allclose(mixed, same)
    shared = sampled(sd15, prompt(1, control=a), prompt(2, control=a))
    assert_alike(same, shared)


def test_a_batch_of_images_equals_its_pictures_alone(sd15, net) -> None:
    pictures = image(2)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 4, 8, 6, generator=generator)
    together = _denoised(sd15, net, pictures, noise)
    for index in range(2):
        alone = _denoised(sd15, net, pictures[index : index + 1], noise[index : index + 1])
        assert_alike(together[index : index + 1], alone)


def _denoised(model: Any, net: ControlNeXt, pixels: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    link = net.copy().set_cond_hint(pixels.movedim(-1, 1), 1.0)
    sampling = model.model.model_sampling
    link.pre_run(model.model, sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [0]}
    sigma = sampling.sigma(torch.tensor([601.0])).repeat(latent.shape[0])
    link.get_control(latent, sigma, {}, 1, options)
    context = POSITIVE[0][0].repeat(latent.shape[0], 1, 1)
    return model.model.apply_model(latent, sigma, c_crossattn=context, transformer_options=options)


def test_area_conditioning_squeezes_the_image_into_the_area(sd15, net) -> None:
    area = [[POSITIVE[0][0], {"area": (4, 6, 4, 0), "strength": 1.0, "set_area_to_bounds": False}]]
    conds = applied([*POSITIVE, *area], NEGATIVE, net, image())
    with_area = sampled(sd15, *conds)
    assert bool(with_area.isfinite().all())
    assert not torch.allclose(with_area, sampled(sd15, [*POSITIVE, *area], NEGATIVE))


def test_masked_conditioning_acts_in_its_mask_only(sd15, net, plain) -> None:
    mask = torch.zeros(1, 8, 6)
    mask[:, :4] = 1.0
    positive, negative = applied(POSITIVE, NEGATIVE, net, image())
    masked = [[positive[0][0], {**positive[0][1], "mask": mask, "mask_strength": 1.0}], *_lower(mask)]
    masked_negative = [
        [negative[0][0], {**negative[0][1], "mask": mask, "mask_strength": 1.0}],
        *_lower(mask, NEGATIVE),
    ]
    result = sampled(sd15, masked, masked_negative, steps=1)
    without = sampled(sd15, POSITIVE, NEGATIVE, steps=1)
    assert_alike(result[..., 4:, :], without[..., 4:, :])
    assert not torch.allclose(result[..., :4, :], without[..., :4, :])


def _lower(mask: torch.Tensor, cond: Any = POSITIVE) -> Any:
    return [[cond[0][0], {"mask": 1.0 - mask, "mask_strength": 1.0}]]


def test_one_image_of_another_size_is_brought_to_the_latent(sd15, net) -> None:
    assert bool(sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(1, 200, 333))).isfinite().all())


# Cost -----------------------------------------------------------------------------------------------------------------


def test_the_network_runs_once_per_step_and_its_constant_part_once(sd15, net, monkeypatch) -> None:
    calls = {"prepare": 0, "finish": 0}
    module = net.network.module
    for name in calls:
        _count(monkeypatch, module, name, calls)
    monkeypatch.setattr(sd15.model, "memory_required", lambda *a, **k: 1e30)  # every conditioning on its own
    pixels = image().movedim(-1, 1)
    conds = [
        [[text, {**options, "control": net.copy().set_cond_hint(pixels, 1.0)}] for text, options in cond]
        for cond in ([*POSITIVE, *prompt(5)], NEGATIVE)
    ]
    sampled(sd15, *conds, steps=3)
    assert calls == {"prepare": 1, "finish": 3}
    cache = net.network.cache
    assert cache.prepared.bytes == 0 and not cache._maps and not cache._hints


def _count(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, calls: dict[str, int]) -> None:
    original = getattr(module, name)

    def counted(*args: Any) -> Any:
        calls[name] += 1
        return original(*args)

    monkeypatch.setattr(module, name, counted)


def test_kept_parts_stay_within_their_bound_and_results_do_not_depend_on_it(sd15, net, monkeypatch) -> None:
    kept = sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(1, 100, 100)))
    monkeypatch.setattr(net.network.cache.prepared, "limit", 0)
    monkeypatch.setattr(net.network.cache.resized, "limit", 0)
    monkeypatch.setattr("armature_pack.models.controlnext.network._PASS_ELEMENTS", 1)
    assert torch.equal(sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(1, 100, 100))), kept)


# What the host asks of a control object -------------------------------------------------------------------------------


def test_copies_share_the_weights_and_clones_for_devices_do_not(net) -> None:
    net.mask = torch.ones(1, 4, 4)
    link = net.copy()
    net.mask = None
    assert link.network is net.network and link.mask is not None and link.get_models() == [net.network.patcher]
    clone = link.deepclone_multigpu(torch.device("cpu"), autoregister=True)
    assert clone.network is not link.network and link.multigpu_clones[torch.device("cpu")] is clone
    assert link.get_models() == [clone.network.patcher, net.network.patcher]
    loaded = clone.network.module.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in net.network.module.state_dict().items())


def test_memory_is_announced(net) -> None:
    small = net.copy().set_cond_hint(image(1, 256, 256).movedim(-1, 1), 1.0)
    large = net.copy().set_cond_hint(image(1, 512, 512).movedim(-1, 1), 1.0)
    assert 0 < small.inference_memory_requirements(torch.float32) < large.inference_memory_requirements(torch.float32)
    assert net.inference_memory_requirements(torch.float32) == 0


def test_interrupt_stops_the_network(sd15, net) -> None:
    conds = applied(POSITIVE, NEGATIVE, net, image())
    comfy.model_management.interrupt_current_processing()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sampled(sd15, *conds)
