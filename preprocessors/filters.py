"""Blur, thinning of soft edges and steps: what several methods are made of. Pictures are [B,C,H,W]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import conv2d, max_pool2d, pad

BYTE_REACH, FLOAT_REACH = 3, 4  # sigmas to each side: what OpenCV takes for 8-bit and for float pictures


def blurred(pictures: torch.Tensor, sigma: float, reach: int = FLOAT_REACH) -> torch.Tensor:
    """Gaussian blur as OpenCV's GaussianBlur with size (0, 0): the same taps, the border mirrored without its edge pixel."""
    if sigma <= 0:
        return pictures
    radius = max(1, round(sigma * reach))
    size = 2 * radius + 1
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    taps = torch.exp(-(offsets**2) / (2 * sigma**2))
    return _along_both(pictures, taps / taps.sum(), lambda cv2, plane: cv2.GaussianBlur(plane, (size, size), sigma))


def box_blurred(pictures: torch.Tensor, width: float) -> torch.Tensor:
    """Three means in a row over `width` pixels to each direction, 1 or more; 1 leaves the picture as it is.

    The two ends of a box count by the part of them that lies in it (Gwosdek et al. 2011), so that no width jumps.
    """
    whole = 2 * int((width - 1) // 2) + 1
    end = (width - whole) / 2
    box = np.array([end, *[1.0] * whole, end]) / width if end else np.full(whole, 1 / whole)
    taps = np.convolve(np.convolve(box, box), box).astype(np.float32)
    return _along_both(pictures, torch.from_numpy(taps), lambda cv2, plane: cv2.sepFilter2D(plane, -1, taps, taps))


def _along_both(
    pictures: torch.Tensor, taps: torch.Tensor, by_opencv: Callable[[Any, np.ndarray], np.ndarray]
) -> torch.Tensor:
    """Taps along rows and columns, by OpenCV where it is there and the pictures are in its reach."""
    try:
        import cv2
    except ImportError:
        return _convolved(pictures, taps)
    if pictures.device.type != "cpu":
        return _convolved(pictures, taps)
    planes = pictures.movedim(1, -1).contiguous().numpy().astype(np.float32, copy=False)
    done = [by_opencv(cv2, plane).reshape(plane.shape) for plane in planes]
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


def _convolved(pictures: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    radius, channels, taps = len(taps) // 2, pictures.shape[1], taps.to(pictures.device)
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
