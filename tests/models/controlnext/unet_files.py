"""Files of fine-tuned UNet weights for a small UNet, applied through the node."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import comfy.lora
import torch
from controlnext_recipes import diffusers_names
from public_path import node
from safetensors.torch import save_file

PREFIX = "diffusion_model."
Weights = dict[str, torch.Tensor]


def base_weights(model: Any, part: str) -> dict[str, tuple[str, torch.Tensor]]:
    """Diffusers key -> (LDM key, weight) of the keys with `part` in them."""
    state = model.model.diffusion_model.state_dict()
    return {key: (ldm, state[ldm]) for key, ldm in _names(model.model) if part in key}


@lru_cache(maxsize=2)
def _names(model: Any) -> list[tuple[str, str]]:
    return sorted(diffusers_names(model).items())


def differences(model: Any, part: str = "to_out", size: float = 0.02, seed: int = 1) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    pairs = base_weights(model, part).items()
    sizes = {key: size * (weight.std() if weight.numel() > 1 else weight.abs()) for key, (_, weight) in pairs}
    return {key: sizes[key] * torch.randn(weight.shape, generator=generator) for key, (_, weight) in pairs}


def full(model: Any, changes: Weights) -> Weights:
    base = base_weights(model, "")
    return {key: base[key][1] + change for key, change in changes.items()}


def renamed(model: Any, weights: Weights, prefix: str) -> Weights:
    base = base_weights(model, "")
    return {prefix + base[key][0]: value for key, value in weights.items()}


def apply(
    model: Any, folder: Path, weights: Weights, name: str = "unet.safetensors", **widgets: Any
) -> tuple[Any, str]:
    save_file({key: value.contiguous() for key, value in weights.items()}, folder / name)
    return node("ArmatureApplyControlNeXtWeights").execute(model, name, **widgets).args


def weight(model: Any, ldm: str) -> torch.Tensor:
    """A weight of a MODEL as it will be when the host has applied its patches."""
    base = model.model.diffusion_model.state_dict()[ldm].clone()
    return comfy.lora.calculate_weight(model.patches.get(PREFIX + ldm, []), base, PREFIX + ldm)


def all_weights(model: Any, weights: Weights) -> Weights:
    base = base_weights(model, "")
    return {key: weight(model, base[key][0]) for key in weights}


def assert_changed(model: Any, patched: Any, changes: Weights, strength: float = 1.0, tolerance: float = 1e-6) -> None:
    before, after = all_weights(model, changes), all_weights(patched, changes)
    for key, change in changes.items():
        torch.testing.assert_close(after[key], before[key] + strength * change, atol=tolerance, rtol=0, msg=key)


def write_lora(model: Any, folder: Path) -> str:
    """A LoRA on two thirds of the layers that the tests change, under the names of kohya's training scripts."""
    generator = torch.Generator().manual_seed(8)
    lora: Weights = {}
    keys = [key for key in base_weights(model, "to_out") if key.endswith("weight")]
    for key in keys[: 2 * len(keys) // 3]:
        name = "lora_unet_" + key.removesuffix(".weight").replace(".", "_")
        rows, columns = base_weights(model, key)[key][1].shape
        lora[f"{name}.lora_down.weight"] = torch.randn(4, columns, generator=generator) / columns**0.5
        lora[f"{name}.lora_up.weight"] = 0.05 * torch.randn(rows, 4, generator=generator)
        lora[f"{name}.alpha"] = torch.tensor(2.0)
    save_file(lora, folder / "lora.safetensors")
    return "lora.safetensors"
