"""Bringing a control image to the shape of the picture: crop, stretch or pad, and saying what that costs."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch.nn.functional import pad

from ...preprocessors.map_resize import MapKind, resized_map

Fit = Literal["crop", "stretch", "pad"]
FITS: tuple[Fit, ...] = get_args(Fit)

ASPECT_TOLERANCE = 0.01


def aspects_differ(image_size: tuple[int, int], target_size: tuple[int, int]) -> bool:
    """Whether two (height, width) differ in aspect by more than 1 %."""
    image_aspect = image_size[1] / image_size[0]
    target_aspect = target_size[1] / target_size[0]
    return abs(image_aspect / target_aspect - 1) > ASPECT_TOLERANCE


def fitted(
    image: torch.Tensor, height: int, width: int, fit: Fit, kind: MapKind | Literal["auto"] = "auto"
) -> torch.Tensor:
    """Bring an image [B,C,h,w] to [B,C,height,width], resized as its kind of map allows (see `map_resize`).

    `crop` cuts what the host's centre crop cuts; `stretch` uses every pixel and changes the aspect; `pad` keeps the aspect and
    adds zeros, the ground of nearly every kind of map.
    """
    if fit == "pad":
        image = _padded_to_aspect(image, height, width)
    elif fit == "crop":
        top, left = cut_of((image.shape[-2], image.shape[-1]), (height, width))
        image = image[..., top : image.shape[-2] - top, left : image.shape[-1] - left]
    return resized_map(image, (height, width), kind)


def cut_of(image_size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) that a centre crop takes from each side; rounded as `comfy.utils.common_upscale` does."""
    (height, width), (target_height, target_width) = image_size, target_size
    image_aspect, aspect = width / height, target_width / target_height
    if image_aspect > aspect:
        return 0, round((width - width * (aspect / image_aspect)) / 2)
    if image_aspect < aspect:
        return round((height - height * (image_aspect / aspect)) / 2), 0
    return 0, 0


def describe_fit(image_size: tuple[int, int], target_size: tuple[int, int], fit: Fit) -> str:
    """One sentence on what fitting (height, width) into another does to the image."""
    (height, width), (target_height, target_width) = image_size, target_size
    told = f"the control image is {width}x{height}, the picture {target_width}x{target_height}"
    ratio = (width / height) / (target_width / target_height)
    if fit == "crop":
        axis, share = ("width", 1 - 1 / ratio) if ratio > 1 else ("height", 1 - ratio)
        return f"{told}: crop cuts {share:.0%} of its {axis} (half on each side); fit pad or stretch keeps all of it"
    if fit == "stretch":
        return f"{told}: stretch changes its aspect by {abs(ratio - 1):.0%}"
    axis, share = ("above and below", 1 - 1 / ratio) if ratio > 1 else ("left and right", 1 - ratio)
    return f"{told}: pad leaves {share:.0%} of the picture without control ({axis})"


def _padded_to_aspect(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    image_height, image_width = image.shape[-2:]
    missing_width = max(0, round(image_height * width / height) - image_width)
    missing_height = max(0, round(image_width * height / width) - image_height)
    left, top = missing_width // 2, missing_height // 2
    return pad(image, (left, missing_width - left, top, missing_height - top))
