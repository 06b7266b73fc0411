"""Bringing a control image to the shape of the picture: crop, stretch or pad, and saying what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from ...preprocessors.images.checks import check_choice
from ...preprocessors.images.ground import ground_of
from ...preprocessors.images.kinds import map_kind
from ...preprocessors.images.map_check.transparency import map_in
from ...preprocessors.images.map_values import MAP_VALUES, told_mixture, values_of_each
from ...preprocessors.images.resize import Values, resized_as, resized_map
from ...preprocessors.images.tags import pass_on, tag_of
from ...preprocessors.images.tensors import target_size

Fit = Literal["crop", "stretch", "pad"]
FITS: tuple[Fit, ...] = get_args(Fit)

ASPECT_TOLERANCE = 0.01


def aspects_differ(image_size: tuple[int, int], target_size: tuple[int, int]) -> bool:
    """Whether two (height, width) differ in aspect by more than 1 %."""
    image_aspect = image_size[1] / image_size[0]
    target_aspect = target_size[1] / target_size[0]
    return abs(image_aspect / target_aspect - 1) > ASPECT_TOLERANCE


def fitted(
    image: torch.Tensor, height: int, width: int, fit: Fit, values: Values = "auto", kind: str | None = None
) -> torch.Tensor:
    """Bring an image [B,C,h,w] to [B,C,height,width], resized as its values allow (see `resized_map`).

    kind: of maps that say what made them; it decides where values is auto. `crop` cuts what the host's centre crop cuts;
    `stretch` uses every pixel and changes the aspect; `pad` keeps the aspect and goes on with the ground of the kind of map.
    """
    if fit == "pad":
        image = _padded_to_aspect(image, height, width, lambda: ground_of(image, kind))
    elif fit == "crop":
        top, left = cut_of((image.shape[-2], image.shape[-1]), (height, width))
        image = image[..., top : image.shape[-2] - top, left : image.shape[-1] - left]
    if values == "auto" and kind is not None:
        return resized_as(image, (height, width), map_kind(kind))
    return resized_map(image, (height, width), values)


def mask_with_map(mask: torch.Tensor, picture: tuple[int, int], fit: Fit) -> torch.Tensor:
    """A mask [B,h,w] of a map's size as it lies over a picture (height, width) to which the map is fitted in this way.

    Its own resolution stays. What `pad` leaves free has no map, and so no mask.
    """
    if fit == "pad":
        return _padded_to_aspect(mask.unsqueeze(1), *picture, lambda: (0.0,))[:, 0]
    if fit == "stretch":
        return mask
    top, left = cut_of((mask.shape[-2], mask.shape[-1]), picture)
    return mask[..., top : mask.shape[-2] - top, left : mask.shape[-1] - left]


def cut_of(image_size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int]:
    """(rows, columns) that a centre crop takes from each side; rounded as `comfy.utils.common_upscale` does.

    Of maps a few pixels wide, of which that would leave nothing, one row or column stays, or two.
    """
    rows, columns = _cut_by_host(image_size, target_size)
    return min(rows, (image_size[0] - 1) // 2), min(columns, (image_size[1] - 1) // 2)


def host_crops_all(image_size: tuple[int, int], target_size: tuple[int, int]) -> bool:
    """Whether the host's own centre crop would leave nothing of an image (height, width)."""
    cuts = _cut_by_host(image_size, target_size)
    return any(side <= 2 * cut for side, cut in zip(image_size, cuts, strict=True))


def _cut_by_host(image_size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int]:
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
    sizes = f"the control image is {width}x{height}, the picture {target_width}x{target_height}"
    ratio = (width / height) / (target_width / target_height)
    if fit == "crop":
        axis, share = ("width", 1 - 1 / ratio) if ratio > 1 else ("height", 1 - ratio)
        return f"{sizes}: crop cuts {share:.0%} of its {axis} (half on each side); fit pad or stretch keeps all of it"
    if fit == "stretch":
        return f"{sizes}: stretch changes its aspect by {abs(ratio - 1):.0%}"
    axis, share = ("above and below", 1 - 1 / ratio) if ratio > 1 else ("left and right", 1 - ratio)
    return f"{sizes}: pad leaves {share:.0%} of the picture without control ({axis})"


def _padded_to_aspect(
    image: torch.Tensor, height: int, width: int, ground: Callable[[], tuple[float, ...]]
) -> torch.Tensor:
    """[B,C,h,w] with bars of the ground, which is asked for only where there are some."""
    image_height, image_width = image.shape[-2:]
    missing_width = max(0, round(image_height * width / height) - image_width)
    missing_height = max(0, round(image_width * height / width) - image_height)
    if not (missing_width or missing_height):
        return image
    left, top = missing_width // 2, missing_height // 2
    colour = torch.tensor(ground(), device=image.device, dtype=image.dtype).view(1, -1, 1, 1)
    padded = colour.expand(*image.shape[:2], image_height + missing_height, image_width + missing_width).clone()
    padded[..., top : top + image_height, left : left + image_width] = image
    return padded


# Fitting a control image to the picture to be drawn, with a preview of what that costs.

MAP_VALUE_CHOICES: tuple[str, ...] = ("auto", *MAP_VALUES)
MAXIMUM_SIDE = 16384
_CUT, _FREE = (0.9, 0.2, 0.15), (0.15, 0.45, 0.9)
_TINT = 0.55


@dataclass(frozen=True)
class FittedImage:
    """The fitted maps [B,H,W,3], a preview [B,h,w,3] of what was cut off or left free, and a report in words."""

    maps: torch.Tensor
    preview: torch.Tensor
    report: str


def fit_control_image(
    image: Any, fit: Any, values: Any, width: int = 0, height: int = 0, target: Any = None
) -> FittedImage:
    """Fit an IMAGE [B,H,W,C] to the size of `target` (IMAGE or LATENT), or to width x height, where 0 is its own side.

    ValueError for unknown choices and impossible sizes. An image that has the size already comes through as it is.
    """
    who = "Fit Control Image"
    pictures, notes = map_in(image, f"{who}, input image")
    maps = pictures.movedim(-1, 1)
    for name, value, choices in (("fit", fit, FITS), ("map_kind", values, MAP_VALUE_CHOICES)):
        check_choice(f"{who}, input {name}", value, choices)
    own = (maps.shape[-2], maps.shape[-1])
    size = target_size(target) or (height or own[0], width or own[1])
    if not all(1 <= side <= MAXIMUM_SIDE for side in size):
        raise ValueError(f"{who}: a size of {size[1]}x{size[0]} lies outside 1 to {MAXIMUM_SIDE} pixels a side.")
    if size == own:
        told = "\n".join((f"The image has the size {own[1]}x{own[0]} already; nothing was changed.", *notes))
        same = image if image.shape[-1] == 3 and image.is_floating_point() and not notes else pass_on(image, pictures)
        return FittedImage(same, same, told)
    kind = tag_of(image)
    made = fitted(maps, *size, fit, values, kind).movedim(1, -1).contiguous()
    report = f"{own[1]}x{own[0]} to {size[1]}x{size[0]}, resized as {_told_values(maps, values, kind)}"
    report += f"; {describe_fit(own, size, fit)}." if aspects_differ(own, size) else "; the aspect stays."
    return FittedImage(pass_on(image, made), _preview(maps, made, fit), "\n".join((report, *notes)))


def _told_values(maps: torch.Tensor, values: Values, kind: str | None) -> str:
    """As what maps were resized, and how that was known."""
    if values != "auto":
        return values.replace("_", " ")
    known = None if kind is None else map_kind(kind).values
    if known is not None:
        return f"{known.replace('_', ' ')} (the map was made as {kind})"
    each = values_of_each(maps)
    first = next((one for one in each if one is not None), "continuous")
    return told_mixture(each) or f"{first.replace('_', ' ')} (measured)"


def _preview(maps: torch.Tensor, made: torch.Tensor, fit: str) -> torch.Tensor:
    """crop: the whole map with what is cut off in red; pad: the result with what is left free in blue."""
    own, size = (maps.shape[-2], maps.shape[-1]), (made.shape[1], made.shape[2])
    if fit == "crop":
        top, left = cut_of(own, size)
        return _tinted(maps.movedim(1, -1), top, left, _CUT)
    if fit == "pad":
        # The bars of the result are what a crop of the result to the map's own aspect would cut.
        top, left = cut_of(size, own)
        return _tinted(made, top, left, _FREE)
    return made


def _tinted(pictures: torch.Tensor, top: int, left: int, colour: tuple[float, float, float]) -> torch.Tensor:
    """Pictures [B,H,W,3] with the outer rows and columns tinted, and a line around what stays."""
    height, width = pictures.shape[1:3]
    tinted = pictures.float() * (1 - _TINT) + torch.tensor(colour, device=pictures.device) * _TINT
    line = max(1, round(min(height, width) / 256))
    outer = (
        slice(max(0, top - line), height - max(0, top - line)),
        slice(max(0, left - line), width - max(0, left - line)),
    )
    inner = (slice(top, height - top), slice(left, width - left))
    if top or left:
        tinted[:, outer[0], outer[1]] = torch.tensor(colour, device=pictures.device)
    tinted[:, inner[0], inner[1]] = pictures[:, inner[0], inner[1]].float()
    return tinted
