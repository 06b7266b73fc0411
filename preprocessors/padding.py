"""Pictures for networks that want sides of a multiple of something: the edge is repeated, and cut off the result."""

from __future__ import annotations

import torch
from torch.nn.functional import pad


def as_channels(pictures: torch.Tensor, device: torch.device) -> torch.Tensor:
    """[B,H,W,C] -> [B,C,H,W] of float32 on `device`."""
    return pictures.to(device=device, dtype=torch.float32).movedim(-1, 1)


def padded(pictures: torch.Tensor, stride: int, least: int = 0) -> torch.Tensor:
    """[B,C,H,W] with the last row and column repeated until both sides are multiples of `stride`, and at least `least`."""
    height, width = pictures.shape[-2:]
    down, right = (max(least, -(-side // stride) * stride) - side for side in (height, width))
    return pad(pictures, (0, right, 0, down), mode="replicate") if down or right else pictures


def as_maps(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[B,1|3,H',W'] cut to (height, width) and as [B,height,width,3]: grey is repeated, contiguous for those who write."""
    cut = values[..., : size[0], : size[1]]
    return cut.expand(-1, 3, -1, -1).movedim(1, -1).contiguous()
