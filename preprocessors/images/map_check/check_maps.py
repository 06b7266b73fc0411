"""Checking a batch of control maps, and repairing them where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..checks import check_choice
from ..kinds import MAP_KINDS, map_kind
from ..tags import pass_on, tag_of
from ..tensors import check_image, to_rgb, to_uint8
from .classify import classify
from .findings import Finding, Map, findings

# What the check may be asked for.

EXPECTED: tuple[str, ...] = (
    "auto",
    *(kind.name for kind in MAP_KINDS.values() if kind.looks_like and kind.name != "blank"),
)
REPAIRS: tuple[str, ...] = ("none", "repair")


@dataclass(frozen=True)
class Checked:
    """The maps [B,H,W,3] (repaired where asked), what was found in words, whether nothing is left to say against them, and
    the kind that the first looks like.
    """

    maps: torch.Tensor
    report: str
    ok: bool
    kind: str


def check_maps(image: Any, expected: str = "auto", repair: str = "none") -> Checked:
    """Look at each map of an IMAGE [B,H,W,C]. expected: a kind, or auto for what made the map or, unknown, what it looks like."""
    who = "Check Control Image"
    check_choice(f"{who}, input expected", expected, EXPECTED)
    check_choice(f"{who}, input repair", repair, REPAIRS)
    _needs_opencv(who)
    maps = to_rgb(check_image(image, f"{who}, input image")).float()
    wanted = _known_kind(image) if expected == "auto" else expected
    examined = [_examined(one, wanted) for one in maps]
    repaired = torch.stack([_repaired(one, found) for one, (_, found) in zip(maps, examined, strict=True)])
    asked = repair == "repair"
    lines = [line for index, (one, found) in enumerate(examined) for line in _told(index, one, found, asked)]
    left = [finding for _, found in examined for finding in found if not (asked and finding.repair)]
    out = repaired if asked and any(finding.repair for _, found in examined for finding in found) else image
    pass_on(image, out)
    return Checked(out, "\n".join(lines), not left, examined[0][0].looks_like)


def _known_kind(image: torch.Tensor) -> str | None:
    """The kind that the map's own maker has tagged it with, where this check knows it."""
    tag = tag_of(image)
    return tag if map_kind(tag).looks_like else None


def _examined(picture: torch.Tensor, wanted: str | None) -> tuple[Map, tuple[Finding, ...]]:
    one = classify(to_uint8(picture.clone()), wanted)
    return one, findings(one)


def _repaired(picture: torch.Tensor, found: tuple[Finding, ...]) -> torch.Tensor:
    for finding in found:
        if finding.repair is not None:
            picture = finding.repair(picture)
    return picture


def _told(index: int, one: Map, found: tuple[Finding, ...], asked: bool) -> list[str]:
    head = f"Map {index} looks like {map_kind(one.looks_like).looks_like}"
    if not found:
        return [f"{head}; nothing speaks against it."]
    return [f"{head}; {finding.told}{_what_to_do(finding, asked)}." for finding in found]


def _what_to_do(finding: Finding, asked: bool) -> str:
    if finding.repair is None:
        return ""
    return f" ({finding.repaired_by})" if asked else " (set repair to have it done here)"


def _needs_opencv(who: str) -> None:
    try:
        import cv2  # noqa: F401
    except ImportError:
        raise ValueError(
            f"{who} needs OpenCV, which is not installed. Install opencv-python-headless into ComfyUI's Python."
        ) from None
