"""What the rules about precision say is what the host does with such files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from armature_pack.models.compatibility.rules.precision import FORMATS, host_formats
from armature_pack.models.files.identify import identify_file
from armature_pack.tests.models.compatibility.graphs import check, node, text_to_image
from safetensors.torch import load_file, save_file

_LAYER = "input_blocks.1.1.transformer_blocks.0.attn2.to_k"


def test_the_hosts_packed_forms():
    from comfy.quant_ops import QUANT_ALGOS

    assert sorted(QUANT_ALGOS) == list(FORMATS)


def test_the_forms_are_those_of_the_host_that_runs(models, monkeypatch):
    """A form that a newer host brings is no finding there; one that no host here lists is a hint, and never an error."""
    import comfy.quant_ops

    prompt = text_to_image("sdxl.safetensors", 1024)
    prompt["1"] = node("CheckpointLoaderSimple", ckpt_name="sdxl.safetensors")
    prompt["5"]["inputs"]["model"] = ["9", 0]
    prompt["9"] = node("UNETLoader", unet_name="new_format.safetensors", weight_dtype="default")
    host_formats.cache_clear()
    (found,) = [one for one in check(prompt, models).findings if one.rule == "quantised_format"]
    assert found.severity == "hint" and "int3" in found.text
    monkeypatch.setitem(comfy.quant_ops.QUANT_ALGOS, "int3", {})
    host_formats.cache_clear()
    assert check(prompt, models).verdict == "fits"
    monkeypatch.undo()
    host_formats.cache_clear()


def loaded_net(tmp_path: Any, weights: dict[str, torch.Tensor]) -> tuple[dict[str, Any], torch.Tensor]:
    """(traits, the weight of one layer as the host's loader has it)."""
    import comfy.controlnet

    save_file(weights, tmp_path / "net.safetensors")
    net: Any = comfy.controlnet.load_controlnet(str(tmp_path / "net.safetensors"))
    traits = dict(identify_file(tmp_path / "net.safetensors").traits)
    return traits, net.control_model.state_dict()[f"{_LAYER}.weight"].float()


def test_scales_of_a_control_net_are_left_out(generated, tmp_path):
    weights = load_file(generated("sd15_controlnet_canny"))
    right = weights[f"{_LAYER}.weight"].float()
    scale = right.abs().max() / 448
    packed = {f"{_LAYER}.weight": (right / scale).to(torch.float8_e4m3fn), f"{_LAYER}.scale_weight": scale.reshape(())}
    traits, found = loaded_net(tmp_path, weights | packed)
    assert traits["quantised"] == "scale_weight"
    assert found.abs().max() == pytest.approx(448) and right.abs().max() < 1


def test_whole_numbers_are_taken_as_they_are(generated, tmp_path):
    weights = load_file(generated("sd15_controlnet_canny"))
    packed = {
        name: (one.float() / one.float().abs().max().clamp_min(1e-9) * 127).round().to(torch.int8)
        if one.ndim > 1
        else one
        for name, one in weights.items()
    }
    traits, found = loaded_net(tmp_path, packed)
    assert traits["precision"] == "I8" and "quantised" not in traits
    assert found.abs().max() == 127


def test_plain_eight_bits_of_a_control_net_are_read(generated, tmp_path):
    weights = {name: one.to(torch.float8_e4m3fn) for name, one in load_file(generated("sd15_controlnet_canny")).items()}
    traits, found = loaded_net(tmp_path, weights)
    assert traits["precision"] == "F8_E4M3"
    assert torch.equal(found, weights[f"{_LAYER}.weight"].float())


def test_a_packed_form_that_the_host_does_not_know_stops_it(generated, tmp_path):
    import comfy.sd

    layers = {"middle_block.1.transformer_blocks.0.attn1.to_k": {"format": "int3"}}
    told = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": layers})}
    prefix = "model.diffusion_model."
    weights = {
        name.removeprefix(prefix): one
        for name, one in load_file(generated("sd15_checkpoint")).items()
        if name.startswith(prefix)
    }
    save_file(weights, tmp_path / "net.safetensors", metadata=told)
    assert identify_file(tmp_path / "net.safetensors").traits["quantised_formats"] == ["int3"]
    with pytest.raises(KeyError, match="int3"):
        comfy.sd.load_diffusion_model(str(tmp_path / "net.safetensors"))
