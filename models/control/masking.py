"""A signal's mask on the grid of a residual: feature maps of a UNet, or tokens of a diffusion transformer."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate


def masked(residual: torch.Tensor, mask: torch.Tensor, latent_size: tuple[int, int]) -> torch.Tensor:
    """Multiply a residual by the mask at the residual's own resolution.

    residual: [B,C,h,w], [B,C,T,h,w] or tokens [B,N,C]; mask: [B or 1,H,W] in 0..1; latent_size: (height, width) of the
    latent that the network sees. Where the whole cell lies outside the mask the result is exactly zero.
    """
    if residual.ndim == 3:
        height, width = token_grid(residual.shape[1], latent_size)
        return residual * on_grid(mask, height, width, residual).flatten(1).unsqueeze(-1)
    height, width = residual.shape[-2:]
    grid = on_grid(mask, height, width, residual)
    return residual * grid.reshape(grid.shape[0], *[1] * (residual.ndim - 3), height, width)


def on_grid(mask: torch.Tensor, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """The mask [B,H,W] resized to [b,height,width] for a batch like `like`; soft edges stay soft.

    Shrinking averages over each cell; a cell that holds no mask stays exactly zero.
    """
    mask = mask.to(device=like.device, dtype=torch.float32).unsqueeze(1)
    shrinks = mask.shape[-2] >= height and mask.shape[-1] >= width
    grid = interpolate(mask, (height, width), mode="area") if shrinks else _enlarged(mask, height, width)
    return _to_batch(grid[:, 0].to(like.dtype), like.shape[0])


def token_grid(tokens: int, latent_size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the token grid: one token per latent pixel, or per patch of 2x2."""
    for patch in (1, 2, 4):
        height, width = -(-latent_size[0] // patch), -(-latent_size[1] // patch)
        if height * width == tokens:
            return height, width
    raise ValueError(
        f"The mask of a control signal cannot be laid over {tokens} tokens of a latent of {latent_size[1]}x{latent_size[0]}: "
        "this model's token order is not known. Remove the mask from the signal."
    )


def _enlarged(mask: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return interpolate(mask, (height, width), mode="bilinear", align_corners=False)


def _to_batch(grid: torch.Tensor, batch: int) -> torch.Tensor:
    """Repeat a grid for the chunks (conditional, unconditional, …) that the host runs in one batch."""
    if grid.shape[0] in (1, batch):
        return grid
    if batch % grid.shape[0]:
        raise ValueError(
            f"The mask of a control signal holds {grid.shape[0]} masks for a batch of {batch} pictures. "
            "Give one mask for all, or one for each picture."
        )
    return grid.repeat(batch // grid.shape[0], 1, 1)
