"""UNet weights that do not fit, or not all: reported with counts and names, or refused with a reason."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.files.layouts.controlnext import STEM
from controlnext_recipes import control_weights
from public_path import node
from unet_files import apply, assert_changed, differences, write_lora


def test_what_has_no_place_is_reported(sd15, folder) -> None:
    changes = differences(sd15)
    strangers = {f"nowhere.{number}.weight": torch.ones(2) for number in range(5)}
    patched, report = apply(sd15, folder, {**changes, **strangers})
    assert "Applied: 24 of 29 keys" in report and "left out: 5 (nowhere.0.weight, nowhere.1.weight" in report
    assert_changed(sd15, patched, changes)


def test_fewer_than_half_is_an_error(sd15, folder) -> None:
    strangers = {f"down_blocks.7.{number}.weight": torch.ones(2) for number in range(25)}
    with pytest.raises(
        ValueError, match=r"Only 24 of the 49 keys in 'unet\.safetensors' have a place in the model \(BaseModel\)"
    ):
        apply(sd15, folder, {**differences(sd15), **strangers})


def test_a_wrong_shape_is_an_error(sd15, folder) -> None:
    changes = differences(sd15)
    key = next(key for key in changes if key.endswith("weight"))
    with pytest.raises(
        ValueError, match=rf"{key} in 'unet\.safetensors' has shape \[3, 320\], but .*\[320, 320\] there"
    ):
        apply(sd15, folder, {**changes, key: torch.ones(3, 320)})


def test_broken_numbers_and_strengths(sd15, folder) -> None:
    changes = differences(sd15)
    key = sorted(changes)[3]
    with pytest.raises(ValueError, match=rf"'unet\.safetensors' is damaged: {key} contains NaN"):
        apply(sd15, folder, {**changes, key: changes[key] * torch.nan})
    with pytest.raises(ValueError, match=r"strength of the ControlNeXt weights 'unet\.safetensors' is nan"):
        apply(sd15, folder, changes, strength=float("nan"))


def test_other_files_are_named(sd15, folder) -> None:
    with pytest.raises(
        ValueError, match=r"There is no file 'gone\.safetensors' in the model folders controlnet and model_patches"
    ):
        node("ArmatureApplyControlNeXtWeights").execute(sd15, "gone.safetensors")
    write_lora(sd15, folder)
    with pytest.raises(ValueError, match=r"'lora\.safetensors' holds a LoRA, not the fine-tuned UNet.*LoraLoader"):
        node("ArmatureApplyControlNeXtWeights").execute(sd15, "lora.safetensors")
    with pytest.raises(ValueError, match=r"holds a ControlNeXt control file.*ArmatureLoadControlNeXt"):
        apply(sd15, folder, control_weights(STEM), "control.safetensors")
