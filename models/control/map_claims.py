"""What speaks against the map of a signal: the findings of Check Control Image, for the kind of map that the signal promises."""

from __future__ import annotations

from functools import lru_cache

import torch

from ...preprocessors.check.claims import Claim, can_look, complaints
from ...preprocessors.check.kind_names import KINDS
from ...preprocessors.map_tags import tag_of
from .signal import ControlSignal
from .union import kind_set_by_hand


def complaint_about(signal: ControlSignal, image: torch.Tensor) -> str | None:
    """Why a map that can be read is no usable one, in words; None when nothing speaks against it. image: [B,H,W,3].

    Looked at once for each map, however often it is applied. Without OpenCV only what needs no measuring is found.
    """
    found = _blank(image) or _out_of_range(image, tag_of(signal.image))
    if found is not None or not can_look():
        return found
    claim = claim_of(signal)
    if claim is None:
        return None
    lines = complaints(signal.image, image, claim)
    return "; ".join(lines) + "." if lines else None


def claim_of(signal: ControlSignal) -> Claim | None:
    """By a union type set by hand, or else by what made the map; None for kinds of maps that the check does not know."""
    by_hand = kind_set_by_hand(signal.control_net)
    if by_hand is not None:
        return Claim(by_hand)
    tag = tag_of(signal.image)
    if tag is None:
        return Claim()
    return Claim(tag, made_as=True) if tag in KINDS else None


def _blank(image: torch.Tensor) -> str | None:
    flat = image.flatten(1)
    spread = flat.amax(1) - flat.amin(1)
    if float(spread.min()) >= 1 / 255:
        return None
    index = int(spread.argmin())
    return f"control image {index} is blank (one single colour), so there is no structure to follow."


def _out_of_range(image: torch.Tensor, tag: str | None) -> str | None:
    low, high = float(image.amin()), float(image.amax())
    lowest = _lowest().get(tag or "", 0.0)
    if low >= lowest - 1 / 255 and high <= 1 + 1 / 255:
        return None
    return f"the control image has values from {low:.3g} to {high:.3g}; control nets expect {lowest:g} to 1."


@lru_cache(maxsize=1)
def _lowest() -> dict[str, float]:
    """Kinds of maps that hold values below 0 on purpose, such as the -1 of inpaint hints."""
    from ...preprocessors.registry import ENTRIES

    return {entry.makes.map_type: entry.makes.lowest for entry in ENTRIES if entry.makes.lowest < 0}
