"""What an IMAGE must be before anything works on it, and the small conversions everyone needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

CHANNELS = (1, 3, 4)


class BrokenImage(ValueError):
    """The tensor is no picture at all: wrong rank, no items, no pixels, or values that are not numbers."""


def check_image(image: Any, what: str) -> torch.Tensor:
    """An IMAGE [B,H,W,C] with finite values of floating point, the very same where it is one; else `BrokenImage` names `what`."""
    image = as_floats(check_shape(image, what), what)
    if not all(bool(torch.isfinite(value)) for value in image.aminmax()):  # one pass; NaN comes through
        broken = ~torch.isfinite(image).flatten(1).all(1)
        index = int(broken.nonzero()[0])
        raise BrokenImage(
            f"{what}: image {index} of the batch holds values that are not numbers (NaN or infinity). "
            "The node that made it failed; often that is a VAE decode in half precision."
        )
    return image


def check_shape(image: Any, what: str) -> torch.Tensor:
    """The same without a look at the values, which takes time for large pictures."""
    if not isinstance(image, torch.Tensor):
        raise BrokenImage(f"{what}: an IMAGE is wanted, not {type(image).__name__}. Link a node that gives an image.")
    shape = "x".join(str(size) for size in image.shape)
    if image.ndim != 4 or image.shape[-1] not in CHANNELS:
        raise BrokenImage(
            f"{what}: the tensor has the shape {shape}; an IMAGE is batch x height x width x channels with 1, 3 or 4 "
            "channels. A MASK becomes an image with the node Convert Mask to Image."
        )
    if image.shape[0] == 0:
        raise BrokenImage(f"{what}: the batch is empty (0 images). Check the node that should fill it.")
    if 0 in image.shape:
        raise BrokenImage(f"{what}: the image has no pixels ({shape}). Check the node that makes it.")
    return image


_BYTE = 255.0
_BRIGHTEST = 16.0  # more than any picture in 0..1 shows, a file with a high dynamic range included


def as_floats(image: torch.Tensor, what: str) -> torch.Tensor:
    """A tensor of any type in 0..1 of floating point; one that is, as it is. Bytes and whole numbers count to 255 (or are 0 and
    1); `BrokenImage` for others.
    """
    if image.is_floating_point():
        return image
    if image.dtype == torch.bool:
        return image.float()
    if image.is_complex():
        raise BrokenImage(f"{what}: the tensor holds complex numbers; an IMAGE holds numbers from 0 to 1.")
    low, high = (int(value) for value in image.aminmax())
    if low < 0 or high > _BYTE:
        raise BrokenImage(
            f"{what}: the tensor holds whole numbers from {low} to {high}; an IMAGE holds numbers from 0 to 1, or bytes of 0 to "
            "255."
        )
    return image.float() if high <= 1 and image.dtype != torch.uint8 else image.float() / _BYTE


def from_bytes(image: torch.Tensor, low: float, high: float) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Floats that go from low to high; where they count to 255, as bytes do, in 0..1, with a sentence that says so."""
    if not (low >= 0 and _BRIGHTEST < high <= _BYTE + 0.5):
        return image, ()
    told = f"The picture's values went up to {high:.3g}; they were read as bytes, that count from 0 to 255."
    return (image.float() / _BYTE).clamp(0, 1), (told,)


def check_mask(mask: Any, what: str) -> torch.Tensor:
    """Return a MASK as [B,H,W] with finite values, else raise `BrokenImage`; a single [H,W] mask gets its batch."""
    if not isinstance(mask, torch.Tensor) or mask.ndim not in (2, 3) or 0 in mask.shape:
        shape = "x".join(map(str, mask.shape)) if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise BrokenImage(f"{what}: a MASK is batch x height x width with at least one pixel, not {shape}.")
    mask = as_floats(mask, what)
    if not torch.isfinite(mask).all():
        raise BrokenImage(f"{what}: the mask holds values that are not numbers (NaN or infinity).")
    return mask if mask.ndim == 3 else mask.unsqueeze(0)


def to_rgb(image: torch.Tensor) -> torch.Tensor:
    """[B,H,W,1|3|4] -> [B,H,W,3]: grey is repeated, transparency is laid over white as annotators expect."""
    channels = image.shape[-1]
    if channels == 1:
        return image.expand(-1, -1, -1, 3)
    if channels == 4:
        alpha = image[..., 3:]
        return image[..., :3] * alpha + (1 - alpha)
    return image


def to_uint8(image: torch.Tensor) -> np.ndarray:
    """IMAGE 0..1 -> uint8 array of the same shape, rounded; values outside 0..1 are clipped."""
    by_opencv = _by_opencv(image)
    if by_opencv is not None:
        return by_opencv
    return (image * 255).round_().clamp_(0, 255).to(device="cpu", dtype=torch.uint8).numpy()


def _by_opencv(image: torch.Tensor) -> np.ndarray | None:
    """The same in one pass instead of four, where OpenCV is there and nothing is negative: it takes absolute values."""
    if image.device.type != "cpu" or image.dtype != torch.float32 or not image.numel() or image.amin() < 0:
        return None
    try:
        import cv2
    except ImportError:
        return None
    rows = image.reshape(len(image), -1).numpy()
    return np.asarray(cv2.convertScaleAbs(rows, alpha=255)).reshape(image.shape)


# The size of the picture that is to be drawn, for pixel_perfect.

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
