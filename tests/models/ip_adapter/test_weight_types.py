"""Where in the network each weight type acts, and the options that follow ComfyUI_IPAdapter_plus."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.models.ip_adapter.patching import prompts_of
from armature_pack.models.ip_adapter.scaling import SCALINGS
from armature_pack.models.ip_adapter.weight_types import WEIGHT_TYPES
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from ip_adapter_recipes import adapter, picture, sampled

EMBEDS = ImageEmbeds("pooled", torch.rand(1, 32, generator=torch.Generator().manual_seed(1)), torch.zeros(1, 32))


@pytest.fixture(scope="module")
def adapters() -> dict[str, Any]:
    return {family: adapter("base", family) for family in ("sd15", "sdxl")}


@pytest.fixture
def factors(sd15, sdxl, adapters):
    """Factor of each block for a weight of 1, '!' in front where it is inverted."""

    def run(family: str, **inputs: Any) -> dict[str, float]:
        model = {"sd15": sd15, "sdxl": sdxl}[family]
        patched = ArmatureApplyIPAdapter.execute(
            model, adapters[family], weight=1.0, composition_weight=0.5, embeds=EMBEDS, **inputs
        ).args[0]
        (prompt,) = prompts_of(patched)
        return {
            ("!" if role.inverted else "") + (part if part == "middle" else f"{part}.{number}"): round(role.factor, 4)
            for (part, number, _), (_, role) in prompt.roles.items()
        }

    return run


def test_style_and_composition_blocks(factors) -> None:
    assert factors("sdxl", weight_type="style transfer") == {"output.1": 1.0}
    assert factors("sdxl", weight_type="composition") == {"input.8": 1.0}
    assert factors("sdxl", weight_type="style and composition") == {"output.1": 1.0, "input.8": 0.5}
    assert factors("sdxl", weight_type="style transfer precise") == {"output.1": 1.0, "!input.8": 1.0}
    assert factors("sd15", weight_type="composition") == {"input.7": 0.25, "input.8": 1.0}
    strong = factors("sdxl", weight_type="strong style transfer")
    assert "input.8" not in strong and len(strong) == 10
    precise = factors("sdxl", weight_type="composition precise")
    assert precise["input.8"] == 1.0 and precise["!output.1"] == 1.0 and precise["!middle"] == 0.1


def test_easing_runs_over_the_depth(factors) -> None:
    ease_in, ease_out = factors("sd15", weight_type="ease in"), factors("sd15", weight_type="ease out")
    assert ease_in["input.1"] == 1.0 and ease_out["input.1"] == 0.05
    down_and_up = [factor for block, factor in ease_out.items() if block != "middle"]
    assert down_and_up == sorted(down_and_up)
    assert factors("sd15", weight_type="weak middle")["middle"] == 0.2
    assert factors("sd15", weight_type="strong middle")["output.3"] == 0.2


@pytest.mark.parametrize("weight_type", WEIGHT_TYPES)
def test_every_type_acts(weight_type, sd15, adapters) -> None:
    patched = ArmatureApplyIPAdapter.execute(sd15, adapters["sd15"], weight_type=weight_type, embeds=EMBEDS).args[0]
    assert not torch.equal(sampled(patched, cfg=3.0), sampled(sd15, cfg=3.0))


def test_blocks_by_name(factors) -> None:
    only = LayerWeights.from_text("input: 0, output: 0, middle: 0.5")
    assert factors("sdxl", layer_weights=only) == {"middle": 0.5}
    weights = LayerWeights.from_text("output.3-5: 0.25")
    assert factors("sd15", layer_weights=weights)["output.4"] == 0.25
    with pytest.raises(ValueError, match=r'name "output.40"'):
        factors("sd15", layer_weights=LayerWeights.from_text("output.40: 1"))


def test_types_by_block_need_these_blocks(adapters) -> None:
    from armature_pack.models.ip_adapter.layers import CrossAttention
    from armature_pack.models.ip_adapter.weight_types import roles

    small = (CrossAttention(("input", 3, 0), 0, 64, 2048, ""),)
    with pytest.raises(ValueError, match=r"needs the blocks output.1, which this model does not have. It has input.3"):
        roles("style transfer", small, "sdxl", "The IP-Adapter")


@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_scaling_acts(scaling, sd15, adapters) -> None:
    patched = ArmatureApplyIPAdapter.execute(sd15, adapters["sd15"], embeds_scaling=scaling, embeds=EMBEDS).args[0]
    found = sampled(patched)
    assert torch.isfinite(found).all() and not torch.equal(found, sampled(sd15))


def test_style_and_composition_from_two_pictures(sd15, adapters, encoder) -> None:
    def run(style: int, composition: int | None) -> torch.Tensor:
        second = None if composition is None else picture(composition)
        return sampled(
            ArmatureApplyIPAdapter.execute(
                sd15,
                adapters["sd15"],
                weight_type="style and composition",
                image=picture(style),
                composition_image=second,
                clip_vision=encoder,
            ).args[0]
        )

    assert torch.equal(run(3, 3), run(3, None))
    assert not torch.equal(run(3, 4), run(3, None))


def test_as_ipadapter_plus(factors) -> None:
    assert "middle" in factors("sd15") and "middle" not in factors("sd15", compatible_with="ipadapter_plus")
