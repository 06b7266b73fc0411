"""Image embeddings: what an encoder read off pictures, before an adapter's projection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from .behaviour import EXACTLY, Behaviour
from .layouts.layout import Reads

PREFIX = "ip_adapter_embeds/embeds"  # where saved embeddings go, inside the output folder

CONCAT, PER_PICTURE, REGIONS, NORM_AVERAGE = "concat", "per picture", "regions", "norm average"


@dataclass(frozen=True, eq=False)
class ImageEmbeds:
    """Embeddings of N pictures.

    reads: which kind (see `layouts.layout`); image: [N,W] pooled or [N,T,W] hidden states, None for faces alone; negative:
    the same of what is not wanted, [1 or N,...]; face: [N,512] or None. source: where they come from, for messages.
    """

    reads: Reads
    image: torch.Tensor | None = None
    negative: torch.Tensor | None = None
    face: torch.Tensor | None = None
    source: str = ""

    @property
    def count(self) -> int:
        one = self.face if self.image is None else self.image
        return 0 if one is None else one.shape[0]

    @property
    def width(self) -> int:
        """Width of the image embeddings; 0 for faces alone."""
        return 0 if self.image is None else self.image.shape[-1]

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
