"""How far two pictures are apart."""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Distance:
    """Between two pictures of one size: largest and mean difference in steps of 0..255, share of pixels that differ.

    psnr: peak signal-to-noise ratio in dB, infinite for equal pictures.
    """

    largest: int
    mean: float
    share: float
    psnr: float

    @property
    def is_equal(self) -> bool:
        """Whether every pixel is the same."""
        return self.largest == 0

    def __str__(self) -> str:
        if self.is_equal:
            return "bit-equal"
        return (
            f"{self.share:.2%} of the pixels differ, by {self.mean:.3g} of 255 on average and {self.largest} at most "
            f"(PSNR {self.psnr:.1f} dB)"
        )


def distance(one: Image.Image, other: Image.Image) -> Distance | None:
    """The distance of two pictures; None when they differ in size."""
    if one.size != other.size:
        return None
    gap = np.abs(pixels_of(one).astype(np.int16) - pixels_of(other))
    squared = float(np.mean(gap.astype(np.float64) ** 2))
    psnr = float("inf") if squared == 0 else float(10 * np.log10(255**2 / squared))
    return Distance(int(gap.max()), float(gap.mean()), float((gap.max(axis=-1) > 0).mean()), psnr)


def difference_picture(one: Image.Image, other: Image.Image) -> Image.Image:
    """Where two pictures of one size differ: the largest difference is drawn white."""
    gap = np.abs(pixels_of(one).astype(np.int16) - pixels_of(other)).max(axis=-1)
    return Image.fromarray((gap * (255 / max(1, int(gap.max())))).astype(np.uint8))


def pixels_of(picture: Image.Image) -> np.ndarray:
    """[H,W,3] of 0..255."""
    return np.asarray(picture.convert("RGB"))
