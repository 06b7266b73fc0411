"""Telling control files apart by their keys and shapes."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.controlnext.loading import control_from_state_dict
from armature_pack.models.controlnext.variants import SETTINGS, candidates, resolve
from armature_pack.models.files.layouts.controlnext import (
    LAYOUTS,
    PLAIN,
    POOLED_SCALED,
    STEM,
    Mismatch,
    control_part,
    control_prefixes,
    detect,
    unet_part,
)
from controlnext_recipes import BY_NAME, control_weights, fixture

REFERENCE = ("sd15", "sd15_training", "sdxl", "svd", "svd_v2", "svd_v2_training")


@pytest.mark.parametrize("name", REFERENCE)
def test_keys_and_shapes_equal_the_reference_classes(name: str) -> None:
    reference = {key: tuple(shape) for key, shape in fixture(f"controlnext_{name}_keys.json")["keys"].items()}
    assert BY_NAME[name].layout.shapes() == reference


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_layout_is_detected_as_itself(layout) -> None:
    assert detect(layout.shapes()) is layout


def test_a_changed_layout_is_described() -> None:
    shapes = {**STEM.shapes(), "extra.weight": (3,), "mid_convs.1.bias": (640,)}
    del shapes["embedding.0.bias"]
    found = detect(shapes)
    assert isinstance(found, Mismatch) and found.layout is STEM
    assert found.missing == ("embedding.0.bias",) and found.unexpected == ("extra.weight",)
    assert found.reshaped == ("mid_convs.1.bias",)


@pytest.mark.parametrize("prefix", ["", "controlnext.", "controlnet.", "module.", "module.controlnext."])
def test_prefixes_are_stripped(prefix: str) -> None:
    weights = control_weights(STEM)
    control = control_from_state_dict({prefix + key: value for key, value in weights.items()}, "a.safetensors")
    loaded = control.network.module.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in weights.items())


def test_a_combined_training_file_is_split() -> None:
    weights = control_weights(PLAIN)
    unet = {"unet.conv_in.weight": torch.zeros(1), "unet.time_embedding.linear_1.weight": torch.zeros(1)}
    combined = {**{f"controlnext.{key}": value for key, value in weights.items()}, **unet}
    assert control_prefixes(combined) == ("controlnext.",)
    assert control_part(combined, "controlnext.").keys() == weights.keys()
    assert unet_part(combined) == unet
    assert control_from_state_dict(combined, "pytorch_model.bin").network.module.layout is PLAIN


@pytest.mark.parametrize(
    ("layout", "setting", "base", "name"),
    [
        ("sd15", "auto", "sd15", "sd15"),
        ("sd15", "auto", "sdxl", "sdxl_june_2024"),
        ("sdxl", "auto", "sdxl", "sdxl"),
        ("sdxl", "auto", "sd15", "sd15_training"),
        ("sdxl", "auto", "svd", "svd_v2"),
        ("sdxl", "svd_v2_training", "svd", "svd_v2_training"),
        ("svd", "auto", "svd", "svd"),
        ("sdxl_july_2024", "auto", "sdxl", "sdxl_july_2024"),
        ("sdxl_july_2024", "sdxl", "sdxl", "sdxl_july_2024"),
    ],
)
def test_file_setting_and_base_decide_the_variant(layout: str, setting: str, base, name: str) -> None:
    open_variants = candidates(BY_NAME[layout].layout, setting, "a")
    assert resolve(open_variants, base, setting, "a").name == name


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting not in ("auto", "svd")])
def test_a_setting_that_contradicts_the_file_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s)'{setting}'.*'a\.bin'.*SVD v1"):
        candidates(POOLED_SCALED, setting, "a.bin")


def test_a_base_that_contradicts_file_or_setting_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'a\.bin'.*SVD v1.*the model being sampled is SDXL"):
        resolve(candidates(POOLED_SCALED, "auto", "a.bin"), "sdxl", "auto", "a.bin")
    with pytest.raises(ValueError, match=r"variant set to 'svd_v2'.*the model being sampled is Stable Diffusion 1\.x"):
        resolve(candidates(STEM, "svd_v2", "a.bin"), "sd15", "svd_v2", "a.bin")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="'sd3' is unknown.*auto, sd15"):
        candidates(STEM, "sd3", "a.bin")
