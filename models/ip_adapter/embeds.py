"""Image embeddings: what an encoder read off pictures, before an adapter's projection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ...preprocessors.images.checks import check_choice, check_type, slots_in_order
from ..files.layouts.ip_adapter import Reads
from .scaling import EXACTLY, Behaviour

PREFIX = "ip_adapter_embeds/embeds"  # where saved embeddings go, inside the output folder

CONCAT, PER_PICTURE, REGIONS, NORM_AVERAGE = "concat", "per picture", "regions", "norm average"


@dataclass(frozen=True, eq=False)
class ImageEmbeds:
    """Embeddings of N pictures.

    reads: which kind (see `layouts.layout`); image: [N,W] pooled or [N,T,W] hidden states, None for faces alone; negative:
    the same of what is not wanted, [1 or N,...], None where none came with them (see `encoding.with_negative`); face:
    [N,512] or None. source: where they come from, for messages. alternative: the same numbers read as embeddings of another
    kind, where a file leaves both open.
    """

    reads: Reads
    image: torch.Tensor | None = None
    negative: torch.Tensor | None = None
    face: torch.Tensor | None = None
    source: str = ""
    alternative: ImageEmbeds | None = None

    @property
    def count(self) -> int:
        one = self.face if self.image is None else self.image
        return 0 if one is None else one.shape[0]

    @property
    def width(self) -> int:
        """Width of the image embeddings; 0 for faces alone."""
        return 0 if self.image is None else self.image.shape[-1]

    def settled(self, reads: Reads) -> ImageEmbeds:
        """One reading of them: of two that are open the one of this kind, else the likelier."""
        if self.alternative is None:
            return self
        return self.alternative if self.alternative.reads == reads else replace(self, alternative=None)

    def row(self, index: int) -> ImageEmbeds:
        """The embeddings of one picture."""
        return replace(
            self,
            image=None if self.image is None else self.image[index : index + 1],
            negative=_row(self.negative, index),
            face=None if self.face is None else self.face[index : index + 1],
        )

    def combined(self, how: str, behaviour: Behaviour = EXACTLY) -> ImageEmbeds:
        """One embedding of all, for the ways in `COMBINING`; of the negative ones the mean."""
        combine = COMBINING[how]
        if how == NORM_AVERAGE and behaviour.norm_over_pictures:
            combine = _average_normed_over_pictures
        if self.count < 2:
            return self
        return replace(
            self,
            image=None if self.image is None else combine(self.image),
            negative=_one_negative(self.negative, behaviour),
            face=None if self.face is None else combine(self.face),
        )


def _row(negative: torch.Tensor | None, index: int) -> torch.Tensor | None:
    return negative if negative is None or negative.shape[0] == 1 else negative[index : index + 1]


def _one_negative(negative: torch.Tensor | None, behaviour: Behaviour) -> torch.Tensor | None:
    if negative is None or behaviour.first_negative:
        return None if negative is None else negative[:1]
    return negative.mean(0, keepdim=True)


def _average_normed_over_pictures(rows: torch.Tensor) -> torch.Tensor:
    return (rows / rows.norm(dim=0, keepdim=True)).mean(0, keepdim=True)


def _norm_average(rows: torch.Tensor) -> torch.Tensor:
    """Mean of the directions, as long as the rows are on average: no picture counts more for being far out."""
    lengths = rows.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return (rows / lengths).mean(0, keepdim=True) * lengths.mean(0, keepdim=True)


# Ways of making one embedding of several: [N,...] -> [1,...].
COMBINING: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "average": lambda rows: rows.mean(0, keepdim=True),
    NORM_AVERAGE: _norm_average,
    "add": lambda rows: rows.sum(0, keepdim=True),
    "subtract": lambda rows: rows[:1] - rows[1:].mean(0, keepdim=True),
    "max": lambda rows: rows.amax(0, keepdim=True),
    "min": lambda rows: rows.amin(0, keepdim=True),
}
COMBINES: tuple[str, ...] = (CONCAT, *COMBINING, PER_PICTURE, REGIONS)


# Embeddings from several places as one: of pictures that were encoded apart, saved, or averaged before.

_WHO = "Combine IP-Adapter Embeddings"


def combine_embeds(slots: Mapping[str, Any] | None, combine: str = "average", negative: Any = None) -> ImageEmbeds:
    """All pictures of `embeds_0`, `embeds_1`, … in this order, as one embedding or (concat) side by side.

    negative: embeddings whose pictures are what is not wanted, in place of the negative halves of the others. Raises
    ValueError when nothing is linked, or what is linked was not made for adapters of one kind.
    """
    check_choice(f"{_WHO}, input combine", combine, (CONCAT, *COMBINING))
    given = _in_order(slots or {})
    first = given[0]
    for embeds in given[1:]:
        _check_alike(first, embeds)
    image, face = _joined([embeds.image for embeds in given]), _joined([embeds.face for embeds in given])
    source = ", ".join(dict.fromkeys(embeds.source for embeds in given if embeds.source))
    unwanted = _negatives(given) if negative is None else _unwanted(first, negative)
    joined = replace(first, image=image, negative=unwanted, face=face, source=source)
    return joined if combine == CONCAT else joined.combined(combine)


def _in_order(slots: Mapping[str, Any]) -> list[ImageEmbeds]:
    given = [_checked(name, one) for name, one in slots_in_order(_WHO, "embeds", "embeds", slots).items()]
    if not given:
        raise ValueError(f"{_WHO}: nothing is linked. Link Encode or Load IP-Adapter Embeddings.")
    sure = next((one for one in given if one.alternative is None), given[0])
    return [one.settled(sure.reads) for one in given]


def _checked(name: str, embeds: Any) -> ImageEmbeds:
    return check_type(f"{_WHO}, input {name}", embeds, ImageEmbeds, "IP_ADAPTER_EMBEDS are")


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
    """One for each picture; where all are the same, as for pictures without a negative one, it is kept once.

    Embeddings that came without one share that of the others, which is the same for all pictures of an encoder.
    """
    rows = [one.negative for one in given]
    known = [row for row in rows if row is not None]
    if not known:
        return None
    if all(torch.equal(row, known[0]) for row in known[1:]):
        return known[0]
    if len(known) < len(rows):
        without = ", ".join(one.source or "not saved" for one in given if one.negative is None)
        raise ValueError(
            f"{_WHO}: some embeddings came without a negative ({without}), and those of the others differ. Link negative_embeds, "
            "which then counts for all."
        )
    spread = [
        row.expand(one.count, *row.shape[1:]) if row.shape[0] == 1 else row
        for row, one in zip(known, given, strict=True)
    ]
    return torch.cat(spread)


def _unwanted(first: ImageEmbeds, negative: Any) -> torch.Tensor | None:
    unwanted = _checked("negative_embeds", negative).settled(first.reads)
    _check_alike(first, unwanted)
    if unwanted.image is None:
        raise ValueError(f"{_WHO}, input negative_embeds: faces alone have no negative. Unlink it.")
    return unwanted.image.mean(0, keepdim=True)
