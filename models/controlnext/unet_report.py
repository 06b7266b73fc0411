"""What applying a file of UNet weights did, as data and as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from ...common.report_lines import warning
from .key_map import MODEL_PREFIX

# Deciding whether a file of UNet weights holds differences or full weights, by comparing it with the model.
#
# A file's name says nothing reliable: the training code writes both under the same name. Full weights of a fine-tuned
# layer point where the base's weights point (cosine near 1, similar length); differences do not (cosine near 0, and mostly
# far shorter).

Format = Literal["auto", "delta", "full"]
Kind = Literal["delta", "full"]
FORMATS: tuple[Format, ...] = get_args(Format)
KINDS: tuple[Kind, ...] = get_args(Kind)
_CONTENTS: dict[Kind, str] = {"delta": "differences to the base", "full": "full weights"}

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


_EXAMPLES = 3
_LEFT_OUT = 40


@dataclass(frozen=True)
class Overlap:
    """Layers that an earlier file has changed already."""

    file_name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class WeightsReport:
    """total: keys in the file. applied: model keys that were changed. unchanged: model keys that the file holds equal.

    left_out: file keys without a place in the model. comparison is None where the format was chosen by hand, or taken from the
    file's metadata. told: the format that these tell, where they do; problems: what they say and nobody understands, as a
    sentence. other_base: whether the file was trained over other weights than these.
    """

    file_name: str
    kind: Kind
    comparison: Comparison | None
    strength: float
    total: int
    applied: tuple[str, ...]
    unchanged: tuple[str, ...]
    left_out: tuple[str, ...]
    overlaps: tuple[Overlap, ...]
    told: Kind | None = None
    problems: str = ""
    other_base: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        sentences = [
            f"'{overlap.file_name}' has changed {len(overlap.keys)} of these layers already ({_named(overlap.keys)}). "
            "Both changes add up; lower the strengths if the picture falls apart."
            for overlap in self.overlaps
        ]
        if self.comparison is not None and self.comparison.is_doubtful:
            sentences.append(
                "The differences are as large as the weights themselves. If these are full weights of an unrelated model, "
                "set format to full, or choose a file made for this model."
            )
        if self.told and self.told != self.kind:
            sentences.append(
                f"format is set to {self.kind}, but the file says that it holds {_CONTENTS[self.told]}. Set format to auto, "
                "unless this is on purpose."
            )
        if self.problems:
            sentences.append(self.problems)
        if self.strength == 0.0:
            sentences.append("strength is 0, so nothing was changed.")
        elif not self.applied:
            sentences.append("Every weight equals the model's own, so nothing was changed.")
        return tuple(sentences)

    def __str__(self) -> str:
        by_hand = "as its metadata say" if self.told == self.kind else "chosen by hand"
        why = by_hand if self.comparison is None else f"decided by comparison: {self.comparison}"
        lines = [
            f"ControlNeXt weights '{self.file_name}': {self._content} ({why}), strength {self.strength:g}.",
            f"Applied: {len(self.applied)} of {self.total} keys ({_named(self.applied)}).",
        ]
        if self.other_base:
            lines.append(
                "Trained over other weights than this model's: another checkpoint, or the same in another precision. Where the "
                "control is weak, take the checkpoint that it was trained on."
            )
        if self.unchanged:
            lines.append(f"Equal to the model, nothing to change: {len(self.unchanged)} ({_named(self.unchanged)}).")
        if self.left_out:
            lines.append(
                f"Without a place in this model, left out: {len(self.left_out)} ({_named(self.left_out, _LEFT_OUT)})."
            )
        return "\n".join([*(warning(one) for one in self.warnings), *lines])

    @property
    def _content(self) -> str:
        return _CONTENTS[self.kind]


def _named(keys: tuple[str, ...], limit: int = _EXAMPLES) -> str:
    if not keys:
        return "none"
    names = ", ".join(key.removeprefix(MODEL_PREFIX) for key in keys[:limit])
    return names + (f", and {len(keys) - limit} more" if len(keys) > limit else "")
