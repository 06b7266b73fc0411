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


def test_the_family_that_the_weights_tell_is_named(sd15, folder) -> None:
    """By the width of the text that they read, or by how deep their blocks are."""
    foreign = {
        f"down_blocks.2.attentions.{i}.transformer_blocks.9.attn2.to_k.weight": torch.ones(8, 2048) for i in (0, 1)
    }
    with pytest.raises(ValueError, match="Load a checkpoint for SDXL, or choose the weights for SD 1.5"):
        apply(sd15, folder, foreign)
    key = next(key for key in differences(sd15, "attn2.to_k"))
    with pytest.raises(ValueError, match="Load a checkpoint for SDXL, or choose the weights for SD 1.5"):
        apply(sd15, folder, {key: torch.ones(320, 2048)})
    untold = {f"down_blocks.7.{number}.weight": torch.ones(2) for number in range(25)}
    with pytest.raises(ValueError, match="Load the checkpoint that they were trained on"):
        apply(sd15, folder, {**differences(sd15), **untold})


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
