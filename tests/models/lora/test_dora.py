"""DoRA files: the magnitudes under the names of all tools, and what the host makes of them beside the paper's formula."""

from __future__ import annotations

import re
from typing import Any

import comfy.lora
import pytest
import torch
from armature_pack.nodes.lora import ArmatureApplyLoRAStack
from ip_adapter_recipes import narrow_model, sampled
from lora_recipes import diffusers_layers, kohya, lora, peft, text_lora
from safetensors.torch import save_file

COUNT = 3  # of layers, so few that all are measured


@pytest.fixture
def run(folder):
    """Apply LoRA Stack at strength 1 with one file of these weights: (model, report)."""

    def apply(model: Any, weights: dict[str, torch.Tensor], clip: Any = None) -> tuple[Any, str]:
        save_file({key: value.contiguous() for key, value in weights.items()}, folder / "one.safetensors")
        done = ArmatureApplyLoRAStack.execute(model, clip, [("one.safetensors", 1.0, 1.0)])
        return done.args[0], done.args[2]

    return apply


def chosen(model: Any) -> dict[str, tuple[int, int]]:
    return dict(list(diffusers_layers(model, ".attn2.to_k").items())[:COUNT])


def base_weights(model: Any) -> dict[str, torch.Tensor]:
    """diffusers' names of the layers -> the model's weights."""
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    state = model.model.state_dict()
    return {layer: state[names[f"lora_unet_{layer.replace('.', '_')}"]] for layer in chosen(model)}


def magnitudes(model: Any, axis: int = 0) -> dict[str, torch.Tensor]:
    """A magnitude for every output (axis 0: [out,1]) or input (1: [1,in]), a little away from the model's own."""
    generator = torch.Generator().manual_seed(6)
    norms = {layer: weight.norm(dim=1 - axis, keepdim=True) for layer, weight in base_weights(model).items()}
    return {layer: norm * (1 + 0.02 * torch.randn(norm.shape, generator=generator)) for layer, norm in norms.items()}


def dora(model: Any, size: float, axis: int = 0) -> dict[str, torch.Tensor]:
    """A DoRA under kohya's names whose low-rank change is `size` times as long as the weight."""
    weights = lora(chosen(model), kohya)
    for layer, base in base_weights(model).items():
        up, down = weights[kohya(layer, "up")], weights[kohya(layer, "down")]
        weights[kohya(layer, "up")] = up * size * base.norm() / (up @ down).norm()
        weights[kohya(layer, "up").replace("lora_up.weight", "dora_scale")] = magnitudes(model, axis)[layer]
    return weights


def by_the_paper(model: Any, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Equation 5 of arXiv 2402.09353, as PEFT computes it: the magnitude times the direction of the changed weight."""
    changed = {
        layer: base + weights[kohya(layer, "up")] @ weights[kohya(layer, "down")]
        for layer, base in base_weights(model).items()
    }
    return {layer: magnitudes(model)[layer] * one / one.norm(dim=1, keepdim=True) for layer, one in changed.items()}


def by_the_host(model: Any, patched: Any) -> dict[str, torch.Tensor]:
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    keys = {layer: names[f"lora_unet_{layer.replace('.', '_')}"] for layer in chosen(model)}
    state = model.model.state_dict()
    return {
        layer: comfy.lora.calculate_weight(patched.patches[key], state[key].clone(), key) for layer, key in keys.items()
    }


def told(report: str) -> float:
    """The difference in percent that the only line on DoRA gives."""
    (line,) = [line for line in report.splitlines() if "DoRA:" in line]
    (percent,) = re.findall(r"([\d.]+)%", line)
    return float(percent)


@pytest.mark.parametrize("size", [0.05, 0.3, 1.0])
def test_the_report_gives_the_difference_to_the_paper(size, sd15, run) -> None:
    weights = dora(sd15, size)
    patched, report = run(sd15, weights)
    base, paper, host = base_weights(sd15), by_the_paper(sd15, weights), by_the_host(sd15, patched)
    apart = sum(float((host[layer] - paper[layer]).square().sum()) for layer in base) ** 0.5
    change = sum(float((paper[layer] - base[layer]).square().sum()) for layer in base) ** 0.5
    assert abs(told(report) - 100 * apart / change) < 0.06
    assert f"{COUNT} layers" in report


def test_the_difference_grows_with_the_change(sd15, run) -> None:
    small, middle, large = (told(run(sd15, dora(sd15, size))[1]) for size in (0.1, 0.3, 1.0))
    assert 0 < small < middle < large


def test_by_inputs_the_host_follows_the_paper(sd15, run) -> None:
    assert told(run(sd15, dora(sd15, 0.3, axis=1))[1]) == 0.0


def test_the_model_counts_without_patches_that_lie_in_it(sd15, run) -> None:
    weights = dora(sd15, 0.3)
    once, report = run(sd15, weights)
    assert told(run(once, weights)[1]) == told(report)
    sampled(once)  # the host patches the weights that all clones share
    assert told(run(sd15, weights)[1]) == told(report)


class Packed(torch.Tensor):
    """As loaders of other packs keep weights: numbers that only they can unpack."""


def test_weights_that_stay_packed_are_not_measured(run) -> None:
    model = narrow_model("tiny")
    weights = dora(model, 0.3)
    for block in model.model.diffusion_model.modules():
        if hasattr(block, "attn2"):
            packed = torch.Tensor._make_subclass(Packed, block.attn2.to_k.weight.detach())
            block.attn2.to_k.weight = torch.nn.Parameter(packed, requires_grad=False)
    assert "could not be measured" in run(model, weights)[1]


def test_other_loras_have_no_such_line(sd15, run) -> None:
    assert "DoRA" not in run(sd15, lora(chosen(sd15), kohya))[1]


def test_of_the_text_encoder_too(sd15, clip, run) -> None:
    weights = text_lora()
    state = clip.cond_stage_model.state_dict()
    for number in range(4):
        key = f"clip_l.transformer.text_model.encoder.layers.{number}.self_attn.q_proj.weight"
        layer = f"lora_te_text_model_encoder_layers_{number}_self_attn_q_proj"
        weights[f"{layer}.dora_scale"] = state[key].float().norm(dim=1, keepdim=True)
    report = run(sd15, weights, clip)[1]
    assert told(report) > 0 and "4 layers" in report


def test_magnitudes_of_peft_reach_the_host(sd15, run) -> None:
    """Under their own names the host passes them over, and the file would act as a plain LoRA."""
    weights, plain = dora(sd15, 0.3), magnitudes(sd15)
    model, report = run(sd15, weights)
    expected = sampled(model)  # now: the next file lies where this one is still read from
    pairs = {peft(layer, side): weights[kohya(layer, side)] for layer in plain for side in ("up", "down")}
    names = [f"unet.{{}}.lora_magnitude_vector{ending}" for ending in ("", ".weight", ".default", ".default.weight")]
    for name in (*names, "unet.{}.dora_scale"):  # the last as converted from PEFT's, without its shape
        patched, found = run(sd15, pairs | {name.format(layer): one.flatten() for layer, one in plain.items()})
        assert torch.equal(sampled(patched), expected) and told(found) == told(report)


def test_magnitudes_of_peft_for_convolutions(sd15, run) -> None:
    """[1,out,1,1] there; the host wants [out,1,1,1]."""
    layer, key = "down_blocks.0.resnets.0.conv1", "diffusion_model.input_blocks.1.0.in_layers.2.weight"
    base = sd15.model.state_dict()[key]
    generator = torch.Generator().manual_seed(2)
    up, down = (
        torch.randn(base.shape[0], 4, 1, 1, generator=generator),
        torch.randn(4, *base.shape[1:], generator=generator),
    )
    up *= 0.3 * base.norm() / (up.flatten(1) @ down.flatten(1)).norm()
    norm = base.flatten(1).norm(dim=1)
    patched, report = run(
        sd15,
        {
            f"unet.{layer}.lora_B.weight": up,
            f"unet.{layer}.lora_A.weight": down,
            f"unet.{layer}.lora_magnitude_vector": norm.reshape(1, -1, 1, 1),
        },
    )
    made = comfy.lora.calculate_weight(patched.patches[key], base.clone(), key)
    plain = base + (up.flatten(1) @ down.flatten(1)).reshape(base.shape)
    torch.testing.assert_close(
        made, plain, rtol=1e-4, atol=1e-6
    )  # the model's own magnitudes: the host changes nothing
    assert told(report) > 0
