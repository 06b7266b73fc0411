"""Looking at one map: its measures, the kind it looks like, and the kind it should be."""

from __future__ import annotations

import numpy as np

from .findings import Map
from .kinds import kind_of
from .measures import measure

_MAY_BE_INVERTED = ("photo", "grey_photo", "mask", "scribble", "depth", "lineart", "softedge")


def look(picture: np.ndarray, wanted: str | None) -> Map:
    """picture: uint8 RGB [H,W,3]; wanted: the kind it should be, None for what it looks like. Needs OpenCV."""
    measures = measure(picture)
    flat = int(picture.max()) - int(picture.min()) < 4
    looks_like = "blank" if flat else kind_of(measures)
    return Map(picture, measures, looks_like, wanted or _upright(looks_like, picture))


def _upright(looks_like: str, picture: np.ndarray) -> str:
    """The kind of a map whose kind nobody said; of a map that may be inverted, the kind of its inverse."""
    if looks_like in _MAY_BE_INVERTED and (picture > 245).mean() > 0.5:
        inverse = kind_of(measure(255 - picture))
        return inverse if inverse in ("canny", "mlsd", "lineart", "softedge", "scribble") else looks_like
    return looks_like
