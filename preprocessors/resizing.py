"""Shrinking and enlarging: by OpenCV where it is there, which is faster, else by torch, with the same result."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate


def enlarged(pictures: torch.Tensor, size: tuple[int, int], *, smooth: bool) -> torch.Tensor:
    """[B,h,w,3] at (height, width), contiguous: bilinear, or in squares of one colour."""
    if pictures.device.type == "cpu":
        try:
            import cv2
        except ImportError:
            pass
        else:
            large = torch.empty(len(pictures), *size, 3)
            way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST_EXACT
            for one, result in zip(pictures.contiguous(), large, strict=True):
                cv2.resize(one.numpy(), size[::-1], dst=result.numpy(), interpolation=way)
            return large
    channels = pictures.movedim(-1, 1)
    large = interpolate(channels, size, mode="bilinear" if smooth else "nearest-exact")
    return large.movedim(1, -1).contiguous()


def averaged(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[B,h,w,3] shrunk to (height, width), each pixel the mean of its area."""
    whole_blocks = pictures.shape[1] % size[0] == 0 and pictures.shape[2] % size[1] == 0
    if pictures.device.type == "cpu" and whole_blocks:  # only then do both mean the same areas
        try:
            import cv2
        except ImportError:
            pass
        else:
            small = torch.empty(len(pictures), *size, 3)
            for one, result in zip(pictures.contiguous(), small, strict=True):
                cv2.resize(one.numpy(), size[::-1], dst=result.numpy(), interpolation=cv2.INTER_AREA)
            return small
    return interpolate(pictures.movedim(-1, 1), size, mode="area").movedim(1, -1)
