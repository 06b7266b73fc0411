"""Embeddings from several places as one: of pictures that were encoded apart, saved, or averaged before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from .embeds import COMBINING, CONCAT, ImageEmbeds

_WHO = "Combine IP-Adapter Embeddings"
_SLOT = re.compile(r"embeds_(\d+)")


def combine_embeds(slots: Mapping[str, Any] | None, combine: str = "average", negative: Any = None) -> ImageEmbeds:
    """All pictures of `embeds_0`, `embeds_1`, … in this order, as one embedding or (concat) side by side.

    negative: embeddings whose pictures are what is not wanted, in place of the negative halves of the others. Raises
    ValueError when nothing is linked, or what is linked was not made for adapters of one kind.
    """
    if combine != CONCAT and combine not in COMBINING:
        raise ValueError(f'{_WHO}, input combine: "{combine}" is not one of {", ".join((CONCAT, *COMBINING))}.')
    given = _in_order(slots or {})
    first = given[0]
    for one in given[1:]:
        _check_alike(first, one)
    image, face = _joined([one.image for one in given]), _joined([one.face for one in given])
    source = ", ".join(dict.fromkeys(one.source for one in given if one.source))
    joined = replace(first, image=image, negative=_negatives(given), face=face, source=source)
    if negative is not None:
        joined = replace(joined, negative=_unwanted(first, negative))
    return joined if combine == CONCAT else joined.combined(combine)


def _in_order(slots: Mapping[str, Any]) -> list[ImageEmbeds]:
    for name in slots:
        if not _SLOT.fullmatch(name):
            raise ValueError(
                f"{_WHO}: there is no input embeds.{name}. The slots are embeds.embeds_0, embeds.embeds_1, …"
            )
    names = sorted(slots, key=lambda name: int(name.removeprefix("embeds_")))
    given = [_checked(name, slots[name]) for name in names if slots[name] is not None]
    if not given:
        raise ValueError(f"{_WHO}: nothing is linked. Link Encode or Load IP-Adapter Embeddings.")
    return given


def _checked(name: str, one: Any) -> ImageEmbeds:
    if not isinstance(one, ImageEmbeds):
        raise ValueError(f"{_WHO}, input {name}: IP_ADAPTER_EMBEDS are wanted, not {type(one).__name__}.")
    return one


def _check_alike(first: ImageEmbeds, one: ImageEmbeds) -> None:
    if _kind(first) != _kind(one):
        raise ValueError(
            f"{_WHO}: embeddings of two kinds are linked, {_told(first)} and {_told(one)}. Encode all pictures with one "
            "adapter and one encoder."
        )


def _kind(one: ImageEmbeds) -> tuple[Any, ...]:
    image = None if one.image is None else tuple(one.image.shape[1:])
    return one.reads, image, one.face is None


def _told(one: ImageEmbeds) -> str:
    shape = "" if one.image is None else f" of size {' x '.join(map(str, one.image.shape[1:]))}"
    return f"{one.reads}{shape} ({one.source or 'not saved'})"


def _joined(rows: list[torch.Tensor | None]) -> torch.Tensor | None:
    return None if rows[0] is None else torch.cat([row for row in rows if row is not None])


def _negatives(given: list[ImageEmbeds]) -> torch.Tensor | None:
    """One for each picture; where all are the same, as for pictures without a negative one, it is kept once."""
    rows = [one.negative for one in given]
    if rows[0] is None or any(row is None for row in rows):
        return None
    known = [row for row in rows if row is not None]
    if all(torch.equal(row, known[0]) for row in known[1:]):
        return known[0]
    spread = [
        row.expand(one.count, *row.shape[1:]) if row.shape[0] == 1 else row
        for row, one in zip(known, given, strict=True)
    ]
    return torch.cat(spread)


def _unwanted(first: ImageEmbeds, negative: Any) -> torch.Tensor | None:
    unwanted = _checked("negative_embeds", negative)
    _check_alike(first, unwanted)
    if unwanted.image is None:
        raise ValueError(f"{_WHO}, input negative_embeds: faces alone have no negative. Unlink it.")
    return unwanted.image.mean(0, keepdim=True)
