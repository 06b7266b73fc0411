"""Checking a batch of control maps, and repairing them where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ....common.report_lines import warning, warnings_first
from ..checks import check_choice
from ..frame_numbers import in_ranges
from ..kinds import MAP_KINDS, map_kind
from ..tags import pass_on, tag_of
from ..tensors import to_uint8
from .classify import classify
from .findings import Finding, Map, SaidBy, findings, told_together
from .transparency import map_in

# What the check may be asked for.

EXPECTED: tuple[str, ...] = (
    "auto",
    *(kind.name for kind in MAP_KINDS.values() if kind.looks_like and kind.name != "blank"),
)
REPAIRS: tuple[str, ...] = ("none", "repair")
_MOST_LOOKS = 3


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
    maps, notes = map_in(image, f"{who}, input image")
    maps = maps.float()
    wanted, said_by = (_known_kind(image), "maker") if expected == "auto" else (expected, "person")
    looked_at = [_looked_at(one, wanted, said_by) for one in maps]
    asked = repair == "repair"
    left = [finding for one in looked_at for finding in one.found if not (asked and finding.repair)]
    mended = asked and any(finding.repair for one in looked_at for finding in one.found)
    out = torch.stack([one.repaired for one in looked_at]) if mended else maps if notes else image
    pass_on(image, out)
    report = "\n".join(warnings_first((*_told(looked_at, asked), *notes)))
    return Checked(out, report, not left, looked_at[0].map.looks_like)


def _known_kind(image: torch.Tensor) -> str | None:
    """The kind that the map's own maker has tagged it with, where this check knows it."""
    tag = tag_of(image)
    return tag if map_kind(tag).looks_like else None


@dataclass(frozen=True)
class _LookedAt:
    """A map as it came, all that was found on it, and the map [H,W,3] with every repair that is certain."""

    map: Map
    found: tuple[Finding, ...]
    repaired: torch.Tensor


def _looked_at(picture: torch.Tensor, wanted: str | None, said_by: SaidBy) -> _LookedAt:
    """A repair may bring another fault to light (noise behind dark lines on white), so that a map is looked at again."""
    first, found = None, {}
    for _ in range(_MOST_LOOKS):
        one = classify(to_uint8(picture.clone()), wanted, said_by)
        first = first or one
        new = [finding for finding in findings(one) if finding.words not in found]
        found |= {finding.words: finding for finding in new}
        if not any(finding.repair for finding in new):
            break
        for finding in new:
            picture = finding.repair(picture) if finding.repair else picture
    assert first is not None
    return _LookedAt(first, tuple(found.values()), picture)


def _told(looked_at: list[_LookedAt], asked: bool) -> list[str]:
    """A line for each thing that is to be said, with the numbers of all maps of which it is true."""
    lines: dict[tuple[str, str], dict[int, Finding | None]] = {}
    for index, one in enumerate(looked_at):
        for finding in one.found or (None,):
            key = (_look(one.map), "" if finding is None else finding.words)
            lines.setdefault(key, {})[index] = finding
    return [_line(look, numbers, asked) for (look, _), numbers in lines.items()]


def _look(one: Map) -> str:
    look = map_kind(one.looks_like).looks_like
    return f"most like {look}, which is not certain" if one.said_by == "nobody" and not one.certain else f"like {look}"


def _line(look: str, numbers: dict[int, Finding | None], asked: bool) -> str:
    head = f"{in_ranges(numbers, 'Map')} look{'' if len(numbers) > 1 else 's'} {look}"
    found = [finding for finding in numbers.values() if finding is not None]
    if not found:
        return f"{head}; nothing speaks against {'them' if len(numbers) > 1 else 'it'}."
    told = told_together(found)
    repeated = f"it looks {look}"  # of one that is of another kind
    told = told.removeprefix(repeated) if told.startswith(repeated) else f"; {told}"
    line = f"{head}{told}{_what_to_do(found[0], asked)}."
    return line if asked and found[0].repair else warning(line)


def _what_to_do(finding: Finding, asked: bool) -> str:
    if finding.repair is None:
        return ""
    return f" (repaired here: {finding.repaired_by})" if asked else " (set repair to have it done here)"


def _needs_opencv(who: str) -> None:
    try:
        import cv2  # noqa: F401
    except ImportError:
        raise ValueError(
            f"{who} needs OpenCV, which is not installed. Install opencv-python-headless into ComfyUI's Python."
        ) from None
