"""At which size a method sees the picture, and bringing the map back to the picture's own size."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from .entry import MapConvention

ResolutionMode = Literal["native", "short_side", "long_side", "pixel_perfect"]
RESOLUTION_MODES: tuple[ResolutionMode, ...] = get_args(ResolutionMode)

MINIMUM_RESOLUTION = 64
MAXIMUM_RESOLUTION = 8192
MAXIMUM_PIXELS = 50_000_000  # 8K film frames pass; a float picture of 8000x8000 takes 0.8 GB already


def detector_size(
    height: int, width: int, mode: ResolutionMode, resolution: int, target: tuple[int, int] | None = None
) -> tuple[int, int]:
    """(height, width) that the method sees; the aspect is kept to the pixel.

    `pixel_perfect` is the size at which the picture covers `target` (height, width), or a square of `resolution`, in
    steps of 8: the very pixels that a control net sees when it draws at that size.
    """
    if mode == "native":
        size = (height, width)
    elif mode == "long_side":
        size = _scaled(height, width, resolution / max(height, width), 1)
    elif mode == "short_side":
        size = _scaled(height, width, resolution / min(height, width), 1)
    else:
        goal = target or (resolution, resolution)
        size = _scaled(height, width, max(goal[0] / height, goal[1] / width), 8)
    if size[0] * size[1] > MAXIMUM_PIXELS:
        raise ValueError(
            f"The picture of {width}x{height} would be worked on at {size[1]}x{size[0]}, "
            f"more than {MAXIMUM_PIXELS / 1e6:.0f} million pixels. Use resolution_mode long_side with a smaller resolution."
        )
    return size


def resized_pictures(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[B,H,W,C] at another size: averaged when it shrinks, bicubic when it grows."""
    if tuple(pictures.shape[1:3]) == size:
        return pictures
    import comfy.utils

    shrinks = size[0] <= pictures.shape[1]
    method = "area" if shrinks else "bicubic"
    return (
        comfy.utils.common_upscale(pictures.movedim(-1, 1), size[1], size[0], method, "disabled")
        .movedim(1, -1)
        .clamp(0, 1)
    )


def resized_maps(maps: torch.Tensor, size: tuple[int, int], convention: MapConvention) -> torch.Tensor:
    """Maps [B,h,w,3] at the picture's size, resized as their kind allows: lines and colours keep their exact values."""
    if tuple(maps.shape[1:3]) == size:
        return maps
    import comfy.utils

    return comfy.utils.common_upscale(maps.movedim(-1, 1), size[1], size[0], convention.enlarge, "disabled").movedim(
        1, -1
    )


def _scaled(height: int, width: int, scale: float, step: int) -> tuple[int, int]:
    return tuple(max(step, round(side * scale / step) * step) for side in (height, width))  # type: ignore[return-value]
