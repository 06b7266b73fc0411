"""The fixtures' maps and additions through files, our loader node and the control object that a sampling uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from controlnext_recipes import (
    BY_NAME,
    assert_reference,
    base_stub,
    control_weights,
    fixture,
    module_inputs,
)
from public_path import loaded
from safetensors.torch import save_file

MAPS = fixture("control_module.json")["variants"]
ADDITIONS = fixture("injection.json")["cases"]
BASES = {"svd_v2_training": "svd_v2"}


def patch_for(folder: Path, name: str, case: str, half: int, strength: float) -> Any:
    """What a call of the UNet with the images and times of a case gets to add to its hidden state, or None."""
    pixels, times = module_inputs(case, MAPS[name]["cases"][case]["input_shape"])
    save_file(control_weights(BY_NAME[name].layout), folder / "control.safetensors")
    link = loaded("control.safetensors", variant=BY_NAME[name].setting).copy().set_cond_hint(pixels, strength)
    model = base_stub(BASES.get(name, name))
    link.pre_run(model, model.model_sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [half]}
    latent = torch.zeros(pixels.shape[0], 4, pixels.shape[2] // 8, pixels.shape[3] // 8)
    sigmas = model.model_sampling.sigma(times).expand(pixels.shape[0])
    assert link.get_control(latent, sigmas, {}, 1, options) is None
    found = [patch for patches in options.get("patches", {}).values() for patch in patches]
    return found[0] if found else None


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, entry in MAPS.items() for case in entry["cases"]])
def test_maps(name: str, case: str, folder) -> None:
    patch = patch_for(folder, name, case, 0, 1.0)
    assert_reference(patch.control, MAPS[name]["cases"][case])


@pytest.mark.parametrize("case", ADDITIONS, ids=lambda case: f"{case['variant']}-{case['h_shape'][-2]}")
def test_additions(case: dict[str, Any], folder) -> None:
    name = case["variant"]
    torch.manual_seed(4242)
    hidden = torch.randn(case["h_shape"]) * 1.7 + 0.3
    halves = (1, 0) if "svd" in name else (0,)
    strength = case["multiplier"] if isinstance(case["multiplier"], float) else 1.0
    results = []
    for half in halves:
        patch = patch_for(folder, name, case["control_case"], half, strength)
        if patch is None:
            results.append(hidden)
        elif patch.block[0] == "middle":
            results.append(patch(hidden, hidden, {"block": ("output", 0)})[0])
        else:
            results.append(patch(hidden, {"block": patch.block}))
    # Of a video batch the first half is the unconditional one.
    rows = hidden.shape[0] // len(halves)
    result = torch.cat([part[rows * number : rows * (number + 1)] for number, part in enumerate(results)])
    assert_reference(result, case["out"])
