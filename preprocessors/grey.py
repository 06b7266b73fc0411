"""Brightness in its different meanings."""

from __future__ import annotations

import numpy as np
import torch

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what OpenCV's RGB to grey uses
_LUMINANCE = (0.212671, 0.715160, 0.072169)  # linear sRGB to CIE Y, the digits of OpenCV's Lab
_CIE_KNEE = 216 / 24389


def luma(pictures: torch.Tensor) -> torch.Tensor:
    """[B,H,W,3] -> [B,H,W]: grey as image editors show it."""
    return pictures @ torch.tensor(_LUMA).to(pictures)


def lightness(pictures: torch.Tensor) -> torch.Tensor:
    """sRGB [B,H,W,3] -> CIE L* [B,H,W] in 0..1."""
    linear = torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055) ** 2.4)
    luminance = linear @ torch.tensor(_LUMINANCE).to(pictures)
    root = torch.where(luminance > _CIE_KNEE, luminance.clamp(min=0) ** (1 / 3), (24389 / 27 * luminance + 16) / 116)
    return ((116 * root - 16) / 100).clamp(0, 1)


def otsu_threshold(grey: torch.Tensor) -> int:
    """The level 0..255 that parts a grey picture [H,W] in 0..1 best into dark (up to it) and bright (Otsu 1979)."""
    levels = np.bincount((grey * 255).round().to(torch.uint8).cpu().numpy().ravel(), minlength=256).astype(np.float64)
    below = levels.cumsum()
    mass = (levels * np.arange(256)).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return int(np.nan_to_num(spread).argmax())


def as_grey_maps(values: torch.Tensor) -> torch.Tensor:
    """[B,H,W] -> [B,H,W,3] without a copy: whoever gathers the maps of a batch makes the only one."""
    return values.unsqueeze(-1).expand(-1, -1, -1, 3)
