"""Every published variant from its file through public nodes and the host's real UNet, against the authors' numbers.

Numbers exist for one set of seeds and two UNets; `check` compares with `plain_reference` for any. More seeds can be tried
by ARMATURE_CONTROLNEXT_SEEDS="3 17", each a number that is added to all seeds of the recipe.
"""

from __future__ import annotations

import os
from typing import Any

import comfy.model_patcher
import pytest
import torch
from armature_pack.tests.latest import latest
from controlnext_recipes import (
    BY_NAME,
    SEEDS,
    Seeds,
    assert_reference,
    control_weights,
    fixture,
    hint_for,
    host_model,
    model_inputs,
)
from plain_reference import RULES, Outcome, control_map, unet_outcome
from public_path import Apply, by_host_node, by_stack, loaded, one_call, use_folder
from safetensors.torch import save_file

TOLERANCE = 1e-4  # of what comes out of a UNet with values up to 20
STRENGTHS = {"sd15_training": 0.35, "sdxl": 0.6, "sdxl_june_2024": 0.6, "sdxl_july_2024": 0.6}
UNETS = {"sdxl_june_2024": "sdxl_wide", "sdxl_july_2024": "sdxl_wide"}
BLOCKS = {
    "sd15": ("middle", 0),
    "sd15_training": ("input", 3),
    "sdxl": ("input", 0),
    "sdxl_june_2024": ("middle", 0),
    "sdxl_july_2024": ("middle", 0),
    "svd": ("input", 11),
    "svd_v2": ("input", 3),
}
MORE = [int(number) for number in os.environ.get("ARMATURE_CONTROLNEXT_SEEDS", "").split()]
SMALL = ("sd15_training", "sdxl")  # through our stack, too
TRIED = [*((name, offset) for name in RULES for offset in (0, *MORE)), ("sd15_training", 1), ("sdxl", 1)]


def unet(variant: str, seed: int) -> Any:
    return _unet(UNETS.get(variant, variant), seed)


@latest()  # the largest takes 2.6 GB
def _unet(name: str, seed: int) -> Any:
    return comfy.model_patcher.ModelPatcher(host_model(name, seed), torch.device("cpu"), torch.device("cpu"))


def conditioning(name: str, extra: dict[str, torch.Tensor], latent: torch.Tensor) -> Any:
    """What text encoder and checkpoint nodes would give for the recipe's inputs."""
    context = extra["context"]
    if "svd" in name:
        options = {"concat_latent_image": latent[:, 4:], "fps": 7, "motion_bucket_id": 128, "augmentation_level": 0.02}
        return [[context[:1], options]]
    pooled = {"pooled_output": extra["y"][:, :64], "width": 96, "height": 128} if "y" in extra else {}
    return [[context, pooled]]


def outcome(name: str, seeds: Seeds, net: Any, apply: Apply) -> Outcome:
    """One call through the host's sampling; for video the first clip as the unconditional half, the second as the other."""
    model = unet(name, seeds.unet)
    latent, timestep, extra = model_inputs(name, seeds)
    pixels = hint_for(name, seeds).movedim(1, -1)
    block, strength = BLOCKS[name], STRENGTHS.get(name, 1.0)
    if "svd" not in name:
        cond = conditioning(name, extra, latent)
        conds = apply(cond, cond, net, pixels, strength)
        return one_call(model, *conds, latent, float(timestep[0]), block, 0, cfg=1.0)  # both halves are alike
    halves = []
    for video, half in ((0, 1), (1, 0)):
        rows = slice(3 * video, 3 * video + 3)
        cond = conditioning(name, {"context": extra["context"][rows]}, latent[rows])
        conds = apply(cond, cond, net, pixels, strength)
        halves.append(one_call(model, *conds, latent[rows, :4], float(timestep[0]), block, half))
    fields = ("h_before", "h_after", "y")
    return Outcome(*(torch.cat([getattr(half, field) for half in halves]) for field in fields))


def reference(name: str, seeds: Seeds) -> tuple[Outcome, torch.Tensor]:
    """(outcome with control, output without) of the same UNet with the plain network and hooks."""
    rules, inputs, pixels = RULES[name], model_inputs(name, seeds), hint_for(name, seeds)
    pixels = pixels.repeat(2, 1, 1, 1) if "svd" in name else pixels
    weights = control_weights(BY_NAME[name].layout, seeds.control)
    control = control_map(weights, pixels, inputs[1], rules.padding)
    network = unet(name, seeds.unet).model.diffusion_model
    return unet_outcome(network, inputs, control, rules), unet_outcome(network, inputs, None, rules).y


def check(name: str, seeds: Seeds, net: Any) -> tuple[Outcome, torch.Tensor]:
    """Compare with the plain reference at the fixtures' tolerance; (what came out, the UNet's output without control)."""
    expected, without = reference(name, seeds)
    found = outcome(name, seeds, net, by_host_node)
    for field in ("h_before", "h_after", "y"):
        error = float((getattr(found, field) - getattr(expected, field)).abs().max())
        assert error <= TOLERANCE, f"{name}, {field}: off by {error:.3g}"
    assert float((found.y - without).abs().max()) > 0.01
    if name in SMALL:
        assert torch.equal(outcome(name, seeds, net, by_stack).y, found.y)
    return found, without


@pytest.mark.parametrize(("name", "offset"), TRIED)
def test_public_nodes_give_the_reference(name: str, offset: int, tmp_path, monkeypatch) -> None:
    seeds = SEEDS.shifted(offset)
    save_file(control_weights(BY_NAME[name].layout, seeds.control), tmp_path / f"{name}.safetensors")
    use_folder(monkeypatch, tmp_path, "controlnet")
    net = loaded(f"{name}.safetensors")
    found, without = check(name, seeds, net)
    stored = fixture("tiny_unet.json")["cases"].get(name) if offset == 0 else None
    if stored is not None:
        fields = {
            "h_before": found.h_before,
            "h_after": found.h_after,
            "y_with_control": found.y,
            "y_no_control": without,
        }
        for field, tensor in fields.items():
            assert_reference(tensor, stored[field], field, TOLERANCE)
