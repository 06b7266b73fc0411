"""Embeddings that ComfyUI_IPAdapter_plus has saved: a bare tensor in a torch file, told by its shape alone.

Its encoder gives what is wanted and what is not as two EMBEDS, each of which is saved to a file of its own: [N,W] image
embeddings, or [N,T,W] hidden states. The first versions kept both in one tensor: [2,N,W], or [2,N,T,W].
"""

from __future__ import annotations

from dataclasses import replace
from math import isqrt
from pathlib import Path

import torch

from ..files.header import BrokenFile
from ..files.reading import read_tensor, refuse_non_finite
from .embeds import ImageEmbeds

ENDING = ".ipadpt"

_FEWEST_TOKENS = 49  # an encoder with 7x7 patches (ViT-B/32), the coarsest there is
_AGAIN = "Encode the pictures again, and save them with Save IP-Adapter Embeddings."


def read_ipadpt(path: Path) -> ImageEmbeds:
    """The embeddings in a file, without a negative where it holds none.

    [2,M,W] has two meanings; the likelier is given, with the other as its alternative. Raises BrokenFile, naming the file,
    when it is damaged, holds anything but one tensor of such a shape, or is a pickle that wants to run code.
    """
    given = read_tensor(path, code=_AGAIN, damaged="Save it again where it was made, or copy it again.")
    who = f"The file {path.name} holds no embeddings of ComfyUI_IPAdapter_plus"
    if given.ndim not in (2, 3, 4) or 0 in given.shape or (given.ndim == 4 and given.shape[0] != 2):
        raise BrokenFile(
            f"{who}: its tensor has the shape {list(given.shape)}. They are [N,W] or [N,T,W], or two of them in one. {_AGAIN}"
        )
    if not given.is_floating_point():
        raise BrokenFile(f"{who}: its numbers are of the type {str(given.dtype).removeprefix('torch.')}. {_AGAIN}")
    if given.layout != torch.strided or given.is_meta or given.numel() * given.element_size() > path.stat().st_size:
        raise BrokenFile(f"{who}: its tensor holds other numbers than the file does. {_AGAIN}")
    refuse_non_finite(path.name, "its tensor", given)
    return _told_by_shape(given.detach().float(), f"file {path.name}")


def _told_by_shape(given: torch.Tensor, source: str) -> ImageEmbeds:
    if given.ndim == 2:
        return ImageEmbeds("pooled", given, source=source)
    if given.ndim == 4:
        return ImageEmbeds("hidden", given[0], _once(given[1]), source=source)
    hidden = ImageEmbeds("hidden", given, source=source)
    if given.shape[0] != 2:
        return hidden
    pooled = ImageEmbeds("pooled", given[0], _once(given[1]), source=source)
    # Hidden states of a picture are never all zero; the negatives of image embeddings nearly always are.
    likelier, other = (hidden, pooled) if _may_be_tokens(given.shape[1]) and given[1].any() else (pooled, hidden)
    return replace(likelier, alternative=other)


def _once(negative: torch.Tensor) -> torch.Tensor:
    """[N,...] -> [1,...] where all are the same, as for pictures without a negative one."""
    return negative[:1] if torch.equal(negative, negative[:1].expand_as(negative)) else negative


def _may_be_tokens(count: int) -> bool:
    """Whether an encoder may give so many tokens: one for each patch of a square, and most one for the whole."""
    return count >= _FEWEST_TOKENS and any(isqrt(one) ** 2 == one for one in (count, count - 1))
