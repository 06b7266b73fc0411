"""Pictures with an alpha channel, laid on a ground: a photograph on white, a map on the ground of its kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ..frame_numbers import in_ranges
from ..kinds import map_kind
from ..opencv import has_opencv
from ..tags import tag_of
from ..tensors import check_image, from_bytes, to_rgb, to_uint8
from .findings import Map

_OPAQUE = 1 - 0.5 / 255
_SEEN = 0.05  # opacity from which a pixel counts as part of the content
_LIGHT = 0.6  # brightness of content that would vanish on white
_LEAST_SOLID, _SOLID_SHARE = 24, 0.15  # of a square: pixels of its side, and of the picture's shorter side
# What the grain of photographs has, and surfaces have not: second differences over first, where it is steep enough to tell.
_STEEP, _TEXTURE = 0.8, {"depth": 1.0, "normal": 2.0}
_WHITE = (1.0, 1.0, 1.0)


def map_in(image: Any, where: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Maps [B,H,W,3] of an IMAGE of any type and number of channels, and what was done to them in sentences.

    An image that is of floating point and has three channels comes through as it is. where: the input, for errors.
    """
    floats = check_image(image, where)
    floats, told = from_bytes(floats, *map(float, floats.aminmax()))
    maps, laid = opaque(floats, tag_of(image))
    return maps, (*told, *laid)


def opaque(image: torch.Tensor, kind: str | None) -> tuple[torch.Tensor, tuple[str, ...]]:
    """IMAGE [B,H,W,C] in 0..1 to [B,H,W,3], and a sentence for each ground that something was laid on.

    kind: as which the picture was made, None where nobody said; it then goes by the look of each picture.
    """
    if image.shape[-1] != 4:
        return to_rgb(image), ()
    grounds = [_ground(one, kind) for one in image]
    laid = image[..., :3].clone()
    told: dict[str, list[int]] = {}
    for index, (found, colour) in enumerate(grounds):
        if found is None:
            continue
        alpha = image[index, ..., 3:]
        laid[index] = image[index, ..., :3] * alpha + torch.tensor(colour).to(image) * (1 - alpha)
        told.setdefault(_sentence(found, colour), []).append(index)
    notes = (
        sentence if len(of) == len(image) else f"{sentence} ({in_ranges(of, 'frame').capitalize()}.)"
        for sentence, of in told.items()
    )
    return laid, tuple(notes)


def _ground(one: torch.Tensor, kind: str | None) -> tuple[str | None, tuple[float, ...]]:
    """(what the picture [H,W,4] is taken for, the colour under it); None for one that hides nothing."""
    alpha = one[..., 3]
    if float(alpha.amin()) >= _OPAQUE:
        return None, _WHITE
    known = kind or _looks_like(one)
    if known and map_kind(known).chapter not in ("other", "detail and colour"):
        return known, tuple(max(0.0, value) for value in map_kind(known).background)
    return "", _WHITE


def _looks_like(one: torch.Tensor) -> str | None:
    """The kind of map that the content looks like on black; None for pictures, and for what is dark and needs a light ground."""
    content = one[..., :3][one[..., 3] > _SEEN]
    if not len(content):
        return None
    bright, colourful = float(content.amax(-1).mean()), float((content.amax(-1) - content.amin(-1)).mean())
    if bright < _LIGHT and colourful < 0.1 and float(content.amax()) < _LIGHT:
        return None
    on_black = one[..., :3] * one[..., 3:]
    if not has_opencv():
        return "lineart" if float(content.amin(-1).mean()) > _LIGHT and colourful < 0.1 else None
    from .classify import classify

    solid = _solid_part(one)
    if solid is not None:
        looked_at = classify(to_uint8(solid.float().contiguous()), None)
        if looked_at.looks_like != "blank":
            return looked_at.looks_like if _is_map(looked_at) else None
    found = classify(to_uint8(on_black.float().contiguous()), None).looks_like
    if found in ("photo", "grey_photo") and float(content.amin(-1).mean()) > 1 - (1 - _LIGHT) / 2:
        return "lineart"  # nothing of it would be seen on white, whatever it is
    return None if found == "blank" else found


def _is_map(solid: Map) -> bool:
    """Whether what is seen is a map and no smooth photograph, and no drawing or page of dark on light."""
    surface, kind = solid.measures.surface, map_kind(solid.looks_like)
    if surface.gradient_median > _STEEP and surface.detail > _TEXTURE.get(kind.name, math.inf):
        return False
    return not (solid.measures.lines.inverted and kind.polarity == "white_on_black")


def _solid_part(one: torch.Tensor) -> torch.Tensor | None:
    """The largest square of a picture [H,W,4] in which all is seen, [h,h,3]; None where there is none that says enough.

    What lies around a cut-out would make a drawing of a photograph: black, and sharp edges.
    """
    import cv2

    seen = (one[..., 3] > _SEEN).to(torch.uint8).cpu().numpy()
    reach = cv2.distanceTransform(np.pad(seen, 1), cv2.DIST_C, 3)[1:-1, 1:-1]
    top, left = (int(place) for place in np.unravel_index(int(reach.argmax()), reach.shape))
    half = int(reach[top, left]) - 1
    if 2 * half + 1 < max(_LEAST_SOLID, _SOLID_SHARE * min(seen.shape)):
        return None
    return one[top - half : top + half + 1, left - half : left + half + 1, :3]


def _sentence(kind: str, colour: tuple[float, ...]) -> str:
    if not kind:
        return "The picture is transparent in parts; it was laid on white, as photographs are."
    name = "white" if min(colour) == 1 else "the flat ground" if any(colour) else "black"
    words = map_kind(kind).looks_like or kind.replace("_", " ")
    return (
        f"The picture is transparent in parts and looks like {words}; it was laid on {name}, the ground of such maps."
    )
