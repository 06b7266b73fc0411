"""Applying the fine-tuned part of the UNet through the node: what it holds, how it adds up, what it leaves alone."""

from __future__ import annotations

import importlib

import pytest
import torch
from armature_pack.models.controlnext.unet_report import Comparison
from armature_pack.models.files.layouts.controlnext import STEM
from armature_pack.tests.alike import assert_alike
from controlnext_recipes import control_weights, prompt, sampled
from unet_files import all_weights, apply, assert_changed, base_weights, differences, full, renamed, write_lora

# What a file holds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["diffusers", "", "model.diffusion_model.", "diffusion_model."])
@pytest.mark.parametrize("kind", ["delta", "full"])
def test_differences_and_full_weights_under_all_names(sd15, folder, kind: str, names: str) -> None:
    changes = differences(sd15)
    assert len(changes) == 24
    weights = changes if kind == "delta" else full(sd15, changes)
    weights = weights if names == "diffusers" else renamed(sd15, weights, names)
    patched, report = apply(sd15, folder, weights)
    assert_changed(sd15, patched, changes)
    content = "differences to the base" if kind == "delta" else "full weights"
    assert f"'unet.safetensors': {content} (decided by comparison" in report and "Applied: 24 of 24 keys" in report


@pytest.mark.parametrize("part", ["to_out", ""])
def test_every_part_of_a_video_unet(svd, folder, part: str) -> None:
    changes = differences(svd, part)
    patched, report = apply(svd, folder, full(svd, changes))
    assert f"Applied: {len(changes)} of {len(changes)} keys" in report and "left out" not in report
    assert_changed(svd, patched, changes)
    assert any("temporal" in key for key in changes)


def test_half_precision_files_are_recognised(sd15, folder) -> None:
    changes = differences(sd15)
    halves = {key: value.half() for key, value in full(sd15, changes).items()}
    patched, report = apply(sd15, folder, halves)
    assert "full weights (decided" in report
    assert_changed(sd15, patched, changes, tolerance=2e-3)
    deltas = {key: value.bfloat16() for key, value in changes.items()}
    patched, report = apply(sd15, folder, deltas)
    assert "differences to the base (decided" in report
    assert_changed(sd15, patched, changes, tolerance=1e-3)


def test_the_format_can_be_forced(sd15, folder) -> None:
    changes = differences(sd15)
    patched, report = apply(sd15, folder, changes, format="full")
    assert "full weights (chosen by hand)" in report
    for key, value in all_weights(patched, changes).items():
        torch.testing.assert_close(value, changes[key], atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="format 'half' is unknown. Choose one of: auto, delta, full"):
        apply(sd15, folder, changes, format="half")


def test_what_cannot_be_told_is_asked(sd15, folder) -> None:
    """Weights as large as the base and half along it: neither differences nor a fine-tuned layer."""
    base = base_weights(sd15, "to_out")
    mixed = {key: 0.35 * weight + weight.std() * torch.randn(weight.shape) for key, (_, weight) in base.items()}
    with pytest.raises(
        ValueError, match=r"cannot be told whether 'unet\.safetensors'.*cosine to the base 0\.3.*Set format"
    ):
        apply(sd15, folder, mixed)
    _, report = apply(sd15, folder, differences(sd15, size=1.0))
    assert "as large as the weights themselves" in report and Comparison(0.0, 1.0).is_doubtful


def test_weights_equal_to_the_base_change_nothing(sd15, folder) -> None:
    patched, report = apply(sd15, folder, full(sd15, {key: 0 * value for key, value in differences(sd15).items()}))
    assert "Equal to the model, nothing to change: 24" in report and "nothing was changed" in report
    assert not patched.patches


def test_a_combined_training_file_gives_its_unet_part(sd15, folder) -> None:
    changes = differences(sd15)
    combined = {f"controlnext.{key}": value for key, value in control_weights(STEM).items()}
    patched, report = apply(sd15, folder, {**combined, **{f"unet.{key}": value for key, value in changes.items()}})
    assert "Applied: 24 of 24 keys" in report
    assert_changed(sd15, patched, changes)


# Strength and LoRAs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.5, 2.0, -1.0])
@pytest.mark.parametrize("kind", ["delta", "full"])
def test_strength_scales_the_change(sd15, folder, kind: str, strength: float) -> None:
    changes = differences(sd15)
    weights = changes if kind == "delta" else full(sd15, changes)
    assert_changed(sd15, apply(sd15, folder, weights, strength=strength)[0], changes, strength)


def test_strength_zero_changes_nothing(sd15, folder) -> None:
    patched, report = apply(sd15, folder, differences(sd15), strength=0.0)
    assert not patched.patches and "strength is 0, so nothing was changed" in report


@pytest.mark.parametrize("kind", ["delta", "full"])
def test_loras_before_and_behind_add_up_alike(sd15, folder, kind: str) -> None:
    changes = differences(sd15)
    weights = changes if kind == "delta" else full(sd15, changes)
    loader = importlib.import_module("nodes").LoraLoaderModelOnly()
    name = write_lora(sd15, folder)
    with_lora = loader.load_lora_model_only(sd15, name, 0.7)[0]
    assert with_lora.patches
    first = apply(with_lora, folder, weights, strength=0.8)[0]
    last = loader.load_lora_model_only(apply(sd15, folder, weights, strength=0.8)[0], name, 0.7)[0]
    found = all_weights(last, changes)
    for key, value in all_weights(first, changes).items():
        torch.testing.assert_close(found[key], value, atol=2e-7, rtol=1e-6)
    assert_changed(with_lora, first, changes, 0.8)


def test_loras_commute_in_sampling_too(sd15, folder) -> None:
    changes = differences(sd15, size=0.5)
    loader = importlib.import_module("nodes").LoraLoaderModelOnly()
    name = write_lora(sd15, folder)
    first = apply(loader.load_lora_model_only(sd15, name, 0.7)[0], folder, changes)[0]
    last = loader.load_lora_model_only(apply(sd15, folder, changes)[0], name, 0.7)[0]
    results = [sampled(model, prompt(1), prompt(2), steps=1) for model in (first, last, sd15)]
    assert_alike(results[0], results[1])
    assert float((results[0] - results[2]).abs().max()) > 0.1


# Branches -------------------------------------------------------------------------------------------------------------


def test_upstream_stays_as_it_is(sd15, folder) -> None:
    """Applied twice, on two branches, and queued again: each gives its own weights, and the model its old pictures."""
    changes = differences(sd15, size=0.5)
    before = sampled(sd15, prompt(1), prompt(2), steps=1)
    patches, attached = dict(sd15.patches), dict(sd15.attachments)
    once = apply(sd15, folder, changes)[0]
    again = apply(sd15, folder, changes)[0]
    twice, report = apply(once, folder, changes)
    assert_changed(sd15, once, changes)
    assert_changed(sd15, again, changes)
    assert_changed(sd15, twice, changes, 2.0, 1e-5)
    assert "Warning: 'unet.safetensors' has changed 24 of these layers already" in report
    pictures = [sampled(model, prompt(1), prompt(2), steps=1) for model in (once, again, twice)]
    assert torch.equal(pictures[0], pictures[1]) and not torch.allclose(pictures[0], pictures[2])
    assert torch.equal(sampled(sd15, prompt(1), prompt(2), steps=1), before)
    assert sd15.patches == patches and sd15.attachments == attached


def test_two_files_warn_where_they_touch_the_same_layers(sd15, folder) -> None:
    attention = differences(sd15, "attn1.to_out")
    both = differences(sd15, "to_out", seed=2)
    first, report = apply(sd15, folder, attention, "a.safetensors")
    assert "Warning" not in report
    second, report = apply(first, folder, both, "b.safetensors")
    assert "Warning: 'a.safetensors' has changed 12 of these layers already" in report
    assert_changed(sd15, second, {key: both[key] + attention.get(key, 0) for key in both})
    _, report = apply(first, folder, differences(sd15, "attn2.to_out"), "c.safetensors")
    assert "Warning" not in report
