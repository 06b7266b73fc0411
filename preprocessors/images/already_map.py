"""Telling that a map came in where a picture was wanted, or a picture where a depth map was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .kinds import map_kind
from .opencv import has_opencv
from .tensors import to_uint8

if TYPE_CHECKING:
    from .map_check.findings import Map

_ONE_PIXEL = 0.985  # half width; the thinnest strokes of other methods have 1.02
_LOOK = 384  # pixels of a part from the middle, in which lines stay as thin as they are
# Grey pictures that went through a lossy format differ a little between channels.
_GREY_TOLERANCE = 8 / 255


def told_map(pictures: torch.Tensor, tag: str | None, wanted: str = "") -> tuple[str, ...]:
    """What is told of pictures [B,H,W,3] in 0..1 that go into a method. tag: the kind as which they were made; wanted: the kind
    of map that the method reads, "" for pictures.
    """
    if wanted and float((pictures.amax(-1) - pictures.amin(-1)).max()) > _GREY_TOLERANCE:
        return (f"The picture has colours, so it is no grey {wanted} map. Link a {wanted} map, not the photograph.",)
    found = tag if tag is not None else _looks_like(pictures)
    kind = map_kind(found)
    if found is None or found == wanted or not _is_map(found):
        return ()
    how = "was made as" if tag is not None else "looks like"
    name = found.replace("_", " ") if tag is not None else kind.looks_like
    instead = f"a {wanted} map" if wanted else "the picture that the map was made of"
    return (
        f"What came in {how} {name} already, and this method makes a map of it as if it were a picture. Link {instead}.",
    )


def _is_map(kind: str) -> bool:
    """Whether a kind shows structure alone, and is no picture that something was done to."""
    return bool(map_kind(kind).looks_like) and map_kind(kind).chapter not in ("other", "detail and colour")


def _looks_like(pictures: torch.Tensor) -> str | None:
    """The kind of the first picture that is not of one colour, where it is certain."""
    if not has_opencv():
        return None
    from .map_check.classify import classify

    for one in pictures:
        top, left = (max(0, (side - _LOOK) // 2) for side in one.shape[:2])
        found = classify(to_uint8(one[top : top + _LOOK, left : left + _LOOK].contiguous()), None)
        if found.looks_like != "blank":
            return found.looks_like if found.certain or _of_thin_lines(found) else None
    return None


def _of_thin_lines(one: Map) -> bool:
    """White lines one pixel wide: which method drew them is not certain, that it is a map is."""
    lines = one.measures.lines
    return map_kind(one.looks_like).lines == "thin" and lines.clear and 0 < lines.thickness < _ONE_PIXEL
