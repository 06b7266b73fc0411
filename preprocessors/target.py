"""The size of the picture that is to be drawn, for pixel_perfect."""

from __future__ import annotations

from typing import Any

import torch

_LATENT_STEP = 8  # pixels of a latent's cell, where the latent does not say


def target_size(target: Any) -> tuple[int, int] | None:
    """(height, width) in pixels of an IMAGE, a LATENT or None; ValueError for anything else."""
    if target is None:
        return None
    if isinstance(target, dict) and isinstance(target.get("samples"), torch.Tensor):
        step = int(target.get("downscale_ratio_spacial") or _LATENT_STEP)
        height, width = target["samples"].shape[-2:]
        return height * step, width * step
    if isinstance(target, torch.Tensor) and target.ndim == 4:
        return target.shape[1], target.shape[2]
    raise ValueError(
        f"Input target: a LATENT or an IMAGE of the size to be drawn is wanted, not {type(target).__name__}. "
        "Link the Empty Latent Image that the sampler starts from."
    )
