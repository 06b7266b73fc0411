"""What speaks against maps that claim to be of a kind, in few words and at little cost: for whoever is about to use them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import torch

from ..frame_numbers import in_ranges
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


def complaints(image: torch.Tensor, maps: torch.Tensor, claim: Claim) -> tuple[str, ...]:
    """One line for each thing that speaks against some of the maps [B,H,W,3] of 0..1. Needs OpenCV.

    image: the tensor they came in, which is looked at only once for each claim as long as it lives.
    """
    key = (id(image), claim)
    known = _known.get(key)
    if known is not None and known[0]() is image:
        return known[1]
    told = tuple(_lines(maps, claim))
    _known[key] = (weakref.ref(image, lambda _: _known.pop(key, None)), told)
    return told


_known: dict[tuple[int, Claim], tuple[weakref.ReferenceType[torch.Tensor], tuple[str, ...]]] = {}


def _lines(maps: torch.Tensor, claim: Claim) -> list[str]:
    count = len(maps)
    chosen = range(count) if count <= MOST else sorted({round(i * (count - 1) / (MOST - 1)) for i in range(MOST)})
    found: dict[str, dict[int, Finding]] = {}
    for index in chosen:
        one = classify(to_uint8(maps[index].float().clone()), claim.kind, "maker" if claim.made_as else "person")
        for finding in _made_as(one) if claim.made_as else findings(one):
            found.setdefault(finding.words, {})[index] = finding
    lines = [f"{in_ranges(of, 'control image')}: {told_together(list(of.values()))}" for of in found.values()]
    if lines and count > MOST:
        lines.append(f"{MOST} of its {count} maps were looked at")
    return lines


def _made_as(control_map: Map) -> tuple[Finding, ...]:
    found = exact_findings(control_map)
    return found if found or not contradicted(control_map) else (another_kind(control_map),)
