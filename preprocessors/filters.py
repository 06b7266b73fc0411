"""Blur, thinning of soft edges and steps: what several methods are made of. Pictures are [B,C,H,W]."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import conv2d, max_pool2d, pad

BYTE_REACH, FLOAT_REACH = 3, 4  # sigmas to each side: what OpenCV takes for 8-bit and for float pictures


def blurred(pictures: torch.Tensor, sigma: float, reach: int = FLOAT_REACH) -> torch.Tensor:
    """Gaussian blur as OpenCV's GaussianBlur with size (0, 0): the same taps, the border mirrored without its edge pixel."""
    if sigma <= 0:
        return pictures
    try:
        import cv2
    except ImportError:
        return _blurred_by_convolution(pictures, sigma, reach)
    if pictures.device.type != "cpu":
        return _blurred_by_convolution(pictures, sigma, reach)
    size = 2 * _radius(sigma, reach) + 1
    planes = pictures.movedim(1, -1).contiguous().numpy().astype(np.float32, copy=False)
    done = [cv2.GaussianBlur(plane, (size, size), sigma).reshape(plane.shape) for plane in planes]
    return torch.from_numpy(np.stack(done)).movedim(-1, 1)


def ridges(values: torch.Tensor) -> torch.Tensor:
    """Keep a pixel where it is the greatest of three in a row in one of four directions, else 0.

    The thinning of the ControlNet annotators (`nms`): dilation with four lines of three pixels.
    """
    around = pad(values, (1, 1, 1, 1), value=-torch.inf)
    height, width = values.shape[-2:]

    def shifted(down: int, right: int) -> torch.Tensor:
        return around[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    kept = torch.zeros_like(values, dtype=torch.bool)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        kept |= (values >= shifted(down, right)) & (values >= shifted(-down, -right))
    return torch.where(kept, values, 0.0)


def in_steps(values: torch.Tensor, steps: int = 2) -> torch.Tensor:
    """0..1 cut down to steps + 1 levels, as the annotators' `safe_step`: what hides a picture in soft edges is gone."""
    return ((values * (steps + 1)).floor() / steps).clamp(0, 1)


def scribbled(edges: torch.Tensor, sigma: float = 3.0) -> torch.Tensor:
    """Soft edges [B,1,H,W] in 0..1 as thick white strokes: the annotators' ridge, blur and threshold 4 of 255."""
    thin = (ridges(blurred((edges * 255).floor(), sigma)) > 127).float() * 255
    return (blurred(thin, sigma, BYTE_REACH).round() > 4).float()


def widened(lines: torch.Tensor, pixels: int) -> torch.Tensor:
    """White grown by so many pixels to every side; negative: shrunk."""
    if pixels == 0:
        return lines
    size = 2 * abs(pixels) + 1
    grown = max_pool2d(lines if pixels > 0 else -lines, size, stride=1, padding=abs(pixels))
    return grown if pixels > 0 else -grown


def despeckled(mask: np.ndarray, least: int, strong: np.ndarray | None = None) -> np.ndarray:
    """Connected pieces of a mask [H,W] of bool that have at least `least` pixels, and where given one of `strong`."""
    from scipy.ndimage import label

    found: Any = label(mask, np.ones((3, 3)))
    pieces, count = found
    keep = np.bincount(pieces.ravel(), minlength=count + 1) >= least
    if strong is not None:
        keep &= np.bincount(pieces[strong], minlength=count + 1) > 0
    keep[0] = False
    return keep[pieces]


def _radius(sigma: float, reach: int) -> int:
    return max(1, round(sigma * reach))


def _blurred_by_convolution(pictures: torch.Tensor, sigma: float, reach: int) -> torch.Tensor:
    radius = _radius(sigma, reach)
    offsets = torch.arange(-radius, radius + 1, device=pictures.device, dtype=torch.float32)
    taps = torch.exp(-(offsets**2) / (2 * sigma**2))
    taps = taps / taps.sum()
    channels = pictures.shape[1]
    for axis in (2, 3):
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        along = taps.view(shape).expand(channels, 1, *shape[2:])
        pictures = conv2d(_mirrored(pictures, axis, radius), along, groups=channels)
    return pictures


def _mirrored(pictures: torch.Tensor, axis: int, radius: int) -> torch.Tensor:
    """Mirrored at both ends of an axis, as often as it takes where the picture is smaller than the radius."""
    length = pictures.shape[axis]
    if length == 1:
        return pictures.repeat_interleave(2 * radius + 1, axis)
    places = torch.arange(-radius, length + radius, device=pictures.device).abs() % (2 * length - 2)
    return pictures.index_select(axis, torch.minimum(places, 2 * length - 2 - places))
