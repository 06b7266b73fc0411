"""XLabs' IP-Adapters on Flux equal those of diffusers, through the public nodes, and keep to the rules of the others."""

from __future__ import annotations

from typing import Any

import comfy.sample
import pytest
import torch
from armature_pack.models.ip_adapter.patching import prompts_of
from armature_pack.nodes.control_weights import ArmatureLayerWeights
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.alike import assert_alike
from diffusers_reference import image_features
from flux_recipes import (
    FluxRecorder,
    by_diffusers_flux,
    diffusers_flux,
    flux_adapter_weights,
    flux_prompt,
    load_flux_adapter,
    tiny_flux,
    with_foreign_block,
)
from ip_adapter_recipes import adapter, picture

TOLERANCE = 1e-4


@pytest.fixture
def ip_adapter(load_file) -> Any:
    return load_file(flux_adapter_weights())


@pytest.fixture
def apply(ip_adapter, encoder):
    def run(**inputs: Any) -> Any:
        given = {"image": picture(), "clip_vision": encoder, **inputs}
        return ArmatureApplyIPAdapter.execute(tiny_flux(), ip_adapter, **given).args[0]

    return run


def sampled(model: Any, cfg: float = 1.0, size: tuple[int, int] = (16, 12), **options: Any) -> torch.Tensor:
    noise = torch.randn(1, 16, *size, generator=torch.Generator().manual_seed(0))
    positive, negative = flux_prompt(1, **options), flux_prompt(2)
    latent = torch.zeros_like(noise)
    return comfy.sample.sample(
        model, noise, 2, cfg, "euler", "simple", positive, negative, latent, seed=1, disable_pbar=True
    )


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("size", [(16, 12), (8, 24)])
@pytest.mark.parametrize("count", [1, 2])
def test_equals_diffusers(cfg, size, count, apply, encoder) -> None:
    recorder, transformer = FluxRecorder(), diffusers_flux(tiny_flux())
    load_flux_adapter(transformer, flux_adapter_weights(), 0.6)
    pictures = picture(count=count)
    sampled(recorder.watch(apply(image=pictures)), cfg, size)
    positive, negative = image_features(pictures, "base")
    assert recorder.calls
    for call in recorder.calls:
        assert call["halves"] == ([0] if cfg == 1.0 else [1, 0])
        found = by_diffusers_flux(transformer, call, positive, negative)
        assert (found - call["out"]).abs().max() < TOLERANCE
    load_flux_adapter(transformer, flux_adapter_weights(), 0.0)
    last = recorder.calls[-1]
    assert (by_diffusers_flux(transformer, last, positive, negative) - last["out"]).abs().max() > 100 * TOLERANCE


def test_nothing_leaks_and_no_effect_is_bit_equal(apply) -> None:
    model = tiny_flux()
    plain = sampled(model)
    patched = apply()
    acting = sampled(patched)
    assert not torch.equal(acting, plain) and torch.equal(sampled(model), plain)
    assert torch.equal(sampled(patched), acting) and prompts_of(patched)[0].kept.bytes == 0
    for nothing in ({"weight": 0.0}, {"start_percent": 1.0}, {"mask": torch.zeros(1, 8, 8)}):
        assert torch.equal(sampled(apply(**nothing)), plain)


def test_masks_blocks_and_references(apply) -> None:
    acting = sampled(apply())
    assert_alike(sampled(apply(mask=torch.ones(1, 5, 9))), acting)
    half = torch.zeros(1, 16, 12)
    half[:, :8] = 1
    assert not torch.equal(sampled(apply(mask=half)), acting)
    weights = ArmatureLayerWeights.execute(layers="double.0: 0, double.2: 0.5").args[0]
    (prompt,) = prompts_of(apply(weight=1.0, layer_weights=weights))
    assert {place[1]: role.factor for place, (_, role) in prompt.roles.items()} == {1: 1.0, 2: 0.5}
    kontext = [torch.zeros(1, 16, 8, 8)]  # as Flux Kontext takes them: more tokens, which are not of the picture
    assert torch.isfinite(sampled(apply(mask=half), reference_latents=kontext)).all()


def test_another_packs_block_and_control_nets_act_too(apply) -> None:
    both = sampled(with_foreign_block(apply()))
    assert not torch.equal(both, sampled(apply())) and not torch.equal(both, sampled(with_foreign_block(tiny_flux())))


def test_what_does_not_belong_together_is_named(apply, sd15, ip_adapter, encoder) -> None:
    assert ip_adapter.title == "XLabs' IP-Adapter for Flux"
    given = {"image": picture(), "clip_vision": encoder}
    with pytest.raises(ValueError, match=r"tokens of width 48, but the model \(BaseModel\) reads text of width 768"):
        ArmatureApplyIPAdapter.execute(sd15, ip_adapter, **given)
    with pytest.raises(ValueError, match=r"tokens of width 768, but the model \(Flux\) reads text of width 48"):
        ArmatureApplyIPAdapter.execute(tiny_flux(), adapter("base", "sd15"), **given)
    with pytest.raises(ValueError, match='"weak input" is for UNets'):
        apply(weight_type="weak input")
    with pytest.raises(ValueError, match="style and composition blocks that are known"):
        apply(weight_type="style transfer")
