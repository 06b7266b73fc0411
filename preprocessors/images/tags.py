"""What kind of map an image is, remembered beside it.

An IMAGE is a bare tensor, and nodes hand the very tensor on that a node gave out; so a note about that tensor object, forgotten
with it, travels with the link and needs no type of its own. A node in between that makes a new tensor (a resize, say) loses the
note, and whoever asks then knows that nothing is known.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

_tags: dict[int, tuple[weakref.ReferenceType[torch.Tensor], str]] = {}


def tag(image: torch.Tensor, kind: str) -> torch.Tensor:
    """Remember that this tensor holds maps of a kind, and return it."""
    key = id(image)
    _tags[key] = (weakref.ref(image, lambda _: _tags.pop(key, None)), kind)
    return image


def tag_of(image: Any) -> str | None:
    """The kind of map that this very tensor was tagged with, or None."""
    reference, kind = _tags.get(id(image), (None, ""))
    return kind if reference is not None and reference() is image else None


def pass_on(before: Any, after: torch.Tensor) -> torch.Tensor:
    """Tag what was made from a map with the kind of that map, and return it."""
    known = tag_of(before)
    return after if known is None or after is before else tag(after, known)
