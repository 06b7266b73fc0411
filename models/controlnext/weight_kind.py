"""Deciding whether a file of UNet weights holds differences or full weights, by comparing it with the model.

A file's name says nothing reliable: the training code writes both under the same name. Full weights of a fine-tuned
layer point where the base's weights point (cosine near 1, similar length); differences do not (cosine near 0, and mostly
far shorter).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import torch

Format = Literal["auto", "delta", "full"]
Kind = Literal["delta", "full"]
FORMATS: tuple[Format, ...] = get_args(Format)

_SAMPLES = 48  # tensors that are compared; far more than a verdict needs
_FULL_COSINE = 0.4
_DELTA_COSINE = 0.2
_SHORT = 0.3


@dataclass(frozen=True)
class Comparison:
    """Cosine between the file and the base over all compared weights, and the ratio of their lengths."""

    cosine: float
    ratio: float

    @property
    def kind(self) -> Kind | None:
        """What the file holds, or None when the numbers fit neither."""
        if self.ratio < _SHORT or self.cosine < _DELTA_COSINE:
            return "delta"
        return "full" if self.cosine >= _FULL_COSINE else None

    @property
    def is_doubtful(self) -> bool:
        """Differences as large as the weights themselves: rather the full weights of an unrelated model."""
        return self.kind == "delta" and self.ratio > 0.5

    def __str__(self) -> str:
        return f"cosine to the base {self.cosine:.3f}, length {self.ratio:.3g} times the base's"


def compare(pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Comparison:
    """Compare (file, base) tensors of equal shapes."""
    dot = file_square = base_square = 0.0
    for file, base in ((file.double().flatten(), base.double().flatten()) for file, base in pairs):
        dot += float(file @ base)
        file_square += float(file @ file)
        base_square += float(base @ base)
    if file_square == 0.0 or base_square == 0.0:
        return Comparison(0.0, 0.0)  # nothing in the file, or nothing under it: both readings come to the same
    return Comparison(dot / (file_square * base_square) ** 0.5, (file_square / base_square) ** 0.5)


def sample(keys: list[str]) -> list[str]:
    """Some of the keys, spread evenly."""
    step = max(1, len(keys) // _SAMPLES)
    return keys[::step]
