"""A factor on a signal's weight for each frame of a clip, or each picture of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from ...preprocessors.images.checks import check_choice

Interpolation = Literal["linear", "smooth", "hold"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

MAXIMUM = 10.0
_HELP = (
    'Write keyframes as frame: weight, for example "0: 1, 12: 0.4, -1: 0" (frames count from 0, -1 is the last), '
    'or a plain list with one weight for each frame, "1, 0.8, 0.6".'
)


@dataclass(frozen=True)
class FrameWeights:
    """Keyframes (frame, factor), or a plain list of factors.

    Between keyframes the factor is interpolated (`hold` keeps it until the next); before the first and after the last it stays.
    A negative frame counts from the end of the clip. A list gives one factor for each frame, and the last one is held.
    """

    keyframes: tuple[tuple[int, float], ...]
    interpolation: Interpolation = "linear"
    is_list: bool = False

    def __post_init__(self) -> None:
        check_choice("Frame weights, input interpolation", self.interpolation, INTERPOLATIONS)
        if not self.keyframes:
            raise ValueError(f"Frame weights: there are none. {_HELP}")
        for frame, factor in self.keyframes:
            if not (math.isfinite(factor) and 0.0 <= factor <= MAXIMUM):
                raise ValueError(
                    f"Frame weights: weight {factor:g} of frame {frame} lies outside 0 to {MAXIMUM:g}. {_HELP}"
                )

    @staticmethod
    def from_text(text: str, interpolation: Interpolation = "linear") -> FrameWeights:
        """Read "0: 1, 12: 0.4" or "1, 0.8, 0.6"; ValueError that says what is wrong and how to write it."""
        parts = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
        keyed = [":" in part for part in parts]
        if any(keyed) and not all(keyed):
            raise ValueError(f'Frame weights: "{text}" mixes keyframes and a plain list. {_HELP}')
        if not any(keyed):
            return FrameWeights(tuple((i, _factor(part)) for i, part in enumerate(parts)), "hold", is_list=True)
        pairs = [part.split(":", 1) for part in parts]
        return FrameWeights(tuple((_frame(frame), _factor(factor)) for frame, factor in pairs), interpolation)

    def over(self, total: int, who: str) -> tuple[float, ...]:
        """The factor of each of `total` frames; ValueError naming a frame that the clip does not have."""
        placed = sorted((self._placed(frame, total, who), factor) for frame, factor in self.keyframes)
        frames = [frame for frame, _ in placed]
        if len(set(frames)) != len(frames):
            raise ValueError(f"{who}: its frame weights set one frame twice in a clip of {total}. {_HELP}")
        return tuple(_value(placed, frame, self.interpolation) for frame in range(total))

    def over_latent(self, count: int, pictures: int, who: str) -> tuple[float, ...]:
        """The factor of each of `count` frames of a latent that holds a whole clip, the mean of the pictures in it.

        pictures: that the VAE puts into a frame, all but the first, which holds one. The weights count pictures.
        """
        over = self.over((count - 1) * pictures + 1, who)
        return (over[0], *(sum(over[i : i + pictures]) / pictures for i in range(1, len(over), pictures)))

    def _placed(self, frame: int, total: int, who: str) -> int:
        if not -total <= frame < total:
            told = f"{len(self.keyframes)} weights" if self.is_list else f"a keyframe at frame {frame}"
            raise ValueError(
                f"{who}: its frame weights hold {told}, but the clip (or batch) has {total} frame{'s' if total > 1 else ''}, "
                f"0 to {total - 1}. Change the text of Frame Weights, or the length of the clip."
            )
        return frame % total

    def to_text(self) -> str:
        """The text form, which `from_text` reads back to equal weights."""
        if self.is_list:
            return ", ".join(f"{factor:g}" for _, factor in self.keyframes)
        return ", ".join(f"{frame}:{factor:g}" for frame, factor in self.keyframes)


def _value(placed: Sequence[tuple[int, float]], frame: int, interpolation: Interpolation) -> float:
    if frame <= placed[0][0]:
        return placed[0][1]
    for (start, before), (end, after) in pairwise(placed):
        if start <= frame < end:
            share = 0.0 if interpolation == "hold" else (frame - start) / (end - start)
            if interpolation == "smooth":
                share = share * share * (3 - 2 * share)
            return before + (after - before) * share
    return placed[-1][1]


def _factor(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'Frame weights: "{text.strip()}" is not a weight. {_HELP}') from None


def _frame(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'Frame weights: "{text.strip()}" is not a frame number. {_HELP}') from None
