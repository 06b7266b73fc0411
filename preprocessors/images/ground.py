"""The ground of control maps: what they hold where there is nothing to say."""

from __future__ import annotations

import torch

from .kinds import map_kind
from .opencv import has_opencv
from .resize import mark_of
from .tensors import to_uint8

_LOOK = 256  # pixels of the longer side, enough to tell kinds with a ground of their own


def ground_of(maps: torch.Tensor, kind: str | None) -> tuple[float, ...]:
    """The ground of maps [B,C,h,w], a value for each channel: of their kind, or of what they look like where nobody said it.

    Inpaint hints go on with their own mark.
    """
    channels = maps.shape[1]
    known = map_kind(kind) if kind is not None else map_kind(_looks_like(maps))
    colour = known.background
    if known.values == "marked":
        colour = (known.lowest if (mark := mark_of(maps)) is None else mark,) * 3
    return colour if channels == 3 else (sum(colour) / 3,) * channels


def _looks_like(maps: torch.Tensor) -> str | None:
    """The kind of the first map that is not of one colour."""
    if float(maps.amin()) < -1 / 255:
        return "inpaint"
    if not has_opencv() or maps.shape[1] != 3:
        return None
    from .map_check.classify import classify

    for one in maps:
        step = max(1, max(one.shape[-2:]) // _LOOK)
        found = classify(to_uint8(one[:, ::step, ::step].movedim(0, -1).float().contiguous()), None)
        if found.looks_like != "blank":
            return found.looks_like
    return None
