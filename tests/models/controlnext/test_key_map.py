"""Names of UNet weights at full size: every key finds its place, with equal shapes, under all names that are written."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import comfy.utils
import pytest
from armature_pack.models.controlnext.key_map import MODEL_PREFIX, map_keys, to_ldm
from controlnext_recipes import fixture
from unets import model_without_weights, unet_config

SUBSETS = {
    "full_sd15": ("sd15", 64, 24_805_760),
    "full_sdxl": ("sdxl", 140, 102_483_200),
    "full_svd": ("svd", 128, 49_611_520),
}


@lru_cache(maxsize=4)
def shapes(name: str) -> dict[str, tuple[int, ...]]:
    state = model_without_weights(name).state_dict()
    return {key: tuple(value.shape) for key, value in state.items()}


@pytest.mark.parametrize("name", SUBSETS)
def test_the_published_subsets_resolve(name: str) -> None:
    base, count, parameters = SUBSETS[name]
    subset: dict[str, Any] = fixture(f"controlnext_unet_subset_{base}.json")["keys"]
    mapped = map_keys(subset, unet_config(name), shapes(name))
    assert mapped.unknown == () and len(mapped.found) == count
    assert mapped.found == {key: entry["ldm_key"] for key, entry in subset.items()}
    assert all(shapes(name)[mapped.found[key]] == tuple(entry["shape"]) for key, entry in subset.items())
    total = 0
    for entry in subset.values():
        size = 1
        for length in entry["shape"]:
            size *= length
        total += size
    assert total == parameters


def test_every_key_of_the_video_unet_has_its_own_place() -> None:
    table = fixture("controlnext_svd_unet_diffusers_to_ldm.json")
    mapped = map_keys(table, unet_config("full_svd"), shapes("full_svd"))
    assert mapped.unknown == () and len(set(mapped.found.values())) == len(table) == 1428
    assert mapped.found == {key: MODEL_PREFIX + ldm for key, ldm in table.items()}


@pytest.mark.parametrize("name", ["full_sd15", "full_sdxl"])
def test_image_unets_agree_with_the_hosts_table(name: str) -> None:
    config = unet_config(name)
    names = {key.removeprefix(MODEL_PREFIX) for key in shapes(name)}
    table = {key: ldm for key, ldm in comfy.utils.unet_to_diffusers(config).items() if ldm in names}
    assert len(table) >= 686
    assert {key: to_ldm(key, config, names) for key in table} == table


@pytest.mark.parametrize(
    "prefix", ["", "diffusion_model.", "model.diffusion_model.", "unet.", "module.", "module.unet.", "_orig_mod."]
)
@pytest.mark.parametrize("key", ["input_blocks.1.1.proj_in.weight", "down_blocks.0.attentions.0.proj_in.weight"])
def test_prefixes_around_both_kinds_of_names(prefix: str, key: str) -> None:
    mapped = map_keys([prefix + key], unet_config("full_sd15"), shapes("full_sd15"))
    assert mapped.found == {prefix + key: "diffusion_model.input_blocks.1.1.proj_in.weight"}


@pytest.mark.parametrize(
    "key",
    [
        "down_blocks.9.resnets.0.conv1.weight",
        "down_blocks.0.resnets.7.conv1.weight",
        "up_blocks.0.attentions.0.norm.weight",  # the deepest level of SD1.5 has no attention
        "mid_block.attentions.0.nothing.weight",
        "mid_block.attentions.1.norm.weight",
        "down_blocks.0.downsamplers.1.conv.weight",
        "down_blocks.3.downsamplers.0.conv.weight",
        "add_embedding.linear_1.weight",
        "something.weight",
        "",
    ],
)
def test_keys_without_a_place_are_reported(key: str) -> None:
    mapped = map_keys([key], unet_config("full_sd15"), shapes("full_sd15"))
    assert mapped.unknown == (key,) and not mapped.found


def test_a_place_is_given_once() -> None:
    twice = ["conv_in.weight", "input_blocks.0.0.weight"]
    mapped = map_keys(twice, unet_config("full_sd15"), shapes("full_sd15"))
    assert mapped.unknown == (twice[1],)
