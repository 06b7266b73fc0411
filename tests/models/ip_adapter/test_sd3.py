"""InstantX' IP-Adapters on Stable Diffusion 3.5 equal those of diffusers, through the public nodes, and leak nothing."""

from __future__ import annotations

from typing import Any

import comfy.sample
import pytest
import torch
from armature_pack.models.ip_adapter.loading import adapter_from_state_dict
from armature_pack.models.ip_adapter.patching import prompts_of
from armature_pack.nodes.control_weights import ArmatureLayerWeights
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.alike import assert_alike
from flux_recipes import flux_prompt, tiny_flux, with_foreign_block
from ip_adapter_recipes import picture
from sd3_recipes import (
    by_diffusers_sd3,
    diffusers_sd3,
    load_sd3_adapter,
    recorded,
    sd3_adapter_weights,
    siglip_features,
    tiny_sd3,
    tiny_siglip,
)

TOLERANCE = 1e-4


@pytest.fixture
def ip_adapter(load_file) -> Any:
    return load_file(sd3_adapter_weights())


@pytest.fixture
def apply(ip_adapter):
    def run(model: Any = None, **inputs: Any) -> Any:
        given = {"image": picture(), "clip_vision": tiny_siglip(), **inputs}
        return ArmatureApplyIPAdapter.execute(model or tiny_sd3(), ip_adapter, **given).args[0]

    return run


def sampled(model: Any, cfg: float = 1.0, size: tuple[int, int] = (16, 12)) -> torch.Tensor:
    noise = torch.randn(1, 16, *size, generator=torch.Generator().manual_seed(0))
    return comfy.sample.sample(
        model, noise, 2, cfg, "euler", "simple", flux_prompt(1), flux_prompt(2), torch.zeros_like(noise), seed=1,
        disable_pbar=True,
    )  # fmt: skip


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("size", [(16, 12), (8, 24)])
def test_equals_diffusers(cfg, size, apply) -> None:
    transformer = diffusers_sd3(tiny_sd3())
    load_sd3_adapter(transformer, sd3_adapter_weights(), 0.6)
    model, seen = apply(), siglip_features(picture())
    with recorded(model) as calls:
        sampled(model, cfg, size)
    assert len({float(call["t"][0]) for call in calls}) == 2  # the tokens follow the timestep
    for call in calls:
        assert call["halves"] == ([0] if cfg == 1.0 else [1, 0])
        assert (by_diffusers_sd3(transformer, call, seen) - call["out"]).abs().max() < TOLERANCE
    for processor in transformer.attn_processors.values():
        processor.scale = 0.0
    last = calls[-1]
    assert (by_diffusers_sd3(transformer, last, seen) - last["out"]).abs().max() > 100 * TOLERANCE


def test_nothing_leaks_and_no_effect_is_bit_equal(apply) -> None:
    model = tiny_sd3()
    plain = sampled(model)
    patched = apply()
    acting = sampled(patched)
    assert not torch.equal(acting, plain) and torch.equal(sampled(model), plain)
    assert torch.equal(sampled(patched), acting)
    (prompt,) = prompts_of(patched)
    assert prompt.kept.bytes == 0 and not prompt.latest
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in model.model.diffusion_model.modules())
    for nothing in ({"weight": 0.0}, {"start_percent": 1.0}, {"mask": torch.zeros(1, 8, 8)}):
        assert torch.equal(sampled(apply(**nothing)), plain)


def test_masks_blocks_pictures_and_order(apply) -> None:
    acting = sampled(apply())
    assert_alike(sampled(apply(mask=torch.ones(1, 5, 9))), acting)
    half = torch.zeros(1, 16, 12)
    half[:, :8] = 1
    assert not torch.equal(sampled(apply(mask=half)), acting)
    weights = ArmatureLayerWeights.execute(layers="block.0: 0, block.2: 0.5").args[0]
    (prompt,) = prompts_of(apply(weight=1.0, layer_weights=weights))
    assert {place[1]: role.factor for place, (_, role) in prompt.roles.items()} == {1: 1.0, 2: 0.5}
    twice = sampled(apply(apply(weight=0.3), weight=0.3))  # as one of twice the weight
    assert_alike(twice, acting)
    two = picture(count=2)
    assert not torch.equal(sampled(apply(image=two)), sampled(apply(image=two[:1])))
    equal = two[:1].repeat(2, 1, 1, 1)
    averaged = sampled(apply(image=equal, combine="average"))
    assert_alike(averaged, sampled(apply(image=two[:1])))
    for scaling in ("K+V", "K+mean(V) w/ C penalty"):
        assert torch.isfinite(sampled(apply(embeds_scaling=scaling))).all()


def test_another_packs_block_acts_too(apply) -> None:
    both = sampled(with_foreign_block(apply()))
    assert not torch.equal(both, sampled(apply())) and not torch.equal(both, sampled(with_foreign_block(tiny_sd3())))
    assert torch.equal(both, sampled(apply(with_foreign_block(tiny_sd3()))))


def test_what_does_not_belong_together_is_named(apply, ip_adapter, encoder) -> None:
    assert ip_adapter.title == "InstantX' IP-Adapter for SD 3.5"
    with pytest.raises(ValueError, match=r"tokens of width 192, but the model \(Flux\) reads text of width 48"):
        apply(tiny_flux())
    weights = sd3_adapter_weights()
    with pytest.raises(ValueError, match="incomplete or was changed.*norm_ip_k"):
        adapter_from_state_dict({k: v for k, v in weights.items() if "2.norm_ip_k" not in k}, "cut.safetensors")
    with pytest.raises(ValueError, match='"style transfer" needs style and composition blocks'):
        apply(weight_type="style transfer")
    wide = {**weights, "image_proj.proj_in.weight": torch.zeros(128, 96)}
    with pytest.raises(ValueError, match="hidden states of width 96.*gives hidden states of width 64"):
        ArmatureApplyIPAdapter.execute(
            tiny_sd3(), adapter_from_state_dict(wide, "wide"), image=picture(), clip_vision=encoder
        )
