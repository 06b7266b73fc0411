"""What speaks against maps that claim to be of a kind, in few words and at little cost: for whoever is about to use them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import torch

from ..frame_numbers import in_ranges
from ..kinds import map_kind
from ..opencv import has_opencv
from ..tensors import to_uint8
from .classify import classify
from .findings import Finding, Map, another_kind, contradicted, exact_findings, findings, told_together

MOST = 4  # maps of a long batch that are looked at, spread evenly over it


@dataclass(frozen=True)
class Claim:
    """What maps should be. kind: one that the check tells apart, or None where nobody said; made_as: a node made them as that
    kind, so that only a gross contradiction (a coloured depth map, a grey normal map) speaks against it.
    """

    kind: str | None = None
    made_as: bool = False


def can_measure() -> bool:
    """Whether OpenCV is there, without which nothing can be measured."""
    return has_opencv()


@dataclass(frozen=True)
class Look:
    """complaints: a line for each thing that speaks against some of the maps; photographs: whether all look like such."""

    complaints: tuple[str, ...]
    photographs: bool


def look_at(image: torch.Tensor, maps: torch.Tensor, claim: Claim) -> Look:
    """A look at maps [B,H,W,3] of 0..1 as what they claim to be. Needs OpenCV.

    image: the tensor they came in, which is looked at only once for each claim as long as it lives.
    """
    key = (id(image), claim)
    known = _known.get(key)
    if known is not None and known[0]() is image:
        return known[1]
    look = _look(maps, claim)
    _known[key] = (weakref.ref(image, lambda _: _known.pop(key, None)), look)
    return look


_known: dict[tuple[int, Claim], tuple[weakref.ReferenceType[torch.Tensor], Look]] = {}


def _look(maps: torch.Tensor, claim: Claim) -> Look:
    count = len(maps)
    chosen = range(count) if count <= MOST else sorted({round(i * (count - 1) / (MOST - 1)) for i in range(MOST)})
    found: dict[str, dict[int, Finding]] = {}
    photographs = True
    for index in chosen:
        one = classify(to_uint8(maps[index].float().clone()), claim.kind, "maker" if claim.made_as else "person")
        photographs = photographs and _is_photograph(one)
        for finding in _made_as(one) if claim.made_as else findings(one):
            found.setdefault(finding.words, {})[index] = finding
    lines = [f"{in_ranges(of, 'control image')}: {told_together(list(of.values()))}" for of in found.values()]
    if lines and count > MOST:
        lines.append(f"{MOST} of its {count} maps were looked at")
    return Look(tuple(lines), photographs)


def _is_photograph(one: Map) -> bool:
    """Of grey ones it cannot be told: a depth map with much detail looks no other."""
    seen = map_kind(one.looks_like)
    return seen.photograph and seen.colours != "never"


def _made_as(control_map: Map) -> tuple[Finding, ...]:
    found = exact_findings(control_map)
    return found if found or not contradicted(control_map) else (another_kind(control_map),)
