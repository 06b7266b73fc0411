"""Control files as training writes them: seeded weights with metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from armature_pack.models.files.layouts.controlnext import Layout
from controlnext_recipes import control_weights
from safetensors.torch import save_file

Weights = dict[str, torch.Tensor]


def zero_convolution(layout: Layout, seed: int = 9) -> Weights:
    """One that has learned something, so that it is not zero any more."""
    dice = torch.Generator().manual_seed(seed)
    width = layout.out_channels
    return {
        "zero_convolution.weight": torch.randn(width, width, 1, 1, generator=dice) / width**0.5,
        "zero_convolution.bias": 0.1 * torch.randn(width, generator=dice),
    }


def write(folder: Path, layout: Layout, more: Weights | None = None, name: str = "a.safetensors", **says: Any) -> str:
    """says: metadata without their prefix."""
    metadata = {f"armature.{key}": str(value) for key, value in says.items()}
    save_file({**control_weights(layout), **(more or {})}, folder / name, metadata or None)
    return name
