"""Which pictures of which clip one call of the network sees, and in which halves of the guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from .foreign_windows import told_window
from .roles import chunk_roles


@dataclass(frozen=True)
class Window:
    """The part of a long clip that one call of the model sees: index of each frame, and the clip's length.

    foreign: AnimateDiff-Evolved's, which some control nets read by themselves.
    """

    frames: tuple[int, ...]
    total: int
    foreign: bool = False


def window_of(transformer_options: dict[str, Any], pictures: int) -> Window | None:
    """The context window over the batch dimension, or None when the call sees the whole batch.

    Where the host has no windows, those of AnimateDiff-Evolved count.
    """
    window = transformer_options.get("context_window")
    if window is None or getattr(window, "dim", None) != 0:
        told = told_window(transformer_options)
        return Window(*told, foreign=True) if told is not None and len(told[0]) == pictures else None
    return _of_host(window, pictures)


def clip_of(transformer_options: dict[str, Any], count: int) -> Window:
    """Which frames of a clip that is one latent a call sees, of `count` frames in its latent: all, or those of the host's
    context window.
    """
    window = transformer_options.get("context_window")
    found = _of_host(window, count) if getattr(window, "dim", None) == 2 else None
    return found or Window(tuple(range(count)), count)


def _of_host(window: Any, count: int) -> Window | None:
    """A window of the host's, which may put the frame before a window in front of it (`causal_anchor_index`)."""
    frames = tuple(int(index) for index in window.index_list)
    anchor = getattr(window, "causal_anchor_index", None)
    if anchor is not None and anchor >= 0:
        frames = (int(anchor), *frames)
    return Window(frames, int(window.total_frames)) if len(frames) == count else None


def matching_rows(count: int, pictures: int, window: Window | None) -> tuple[int, ...] | None:
    """Which of `count` maps or masks belong to the `pictures` of a call: (0,) when one serves all, None when none fit."""
    if count == 1:
        return (0,)
    if window is not None:
        return window.frames if count == window.total else None
    return tuple(range(pictures)) if count == pictures else None


@dataclass(frozen=True)
class BatchView:
    """The batch of one call: `chunks` (prompt, negative prompt, ...) one after the other, each of the same pictures.

    halves: for each chunk CONDITIONAL or UNCONDITIONAL (see `roles`); window: the context window, where there is one;
    clip: the latent's frames, where it holds several.
    unnamed: name of the guider where it does not tell the role of every chunk, else "".
    """

    halves: tuple[int, ...]
    pictures: int
    window: Window | None
    clip: Window | None = None
    unnamed: str = ""

    @staticmethod
    def of(x_noisy: torch.Tensor, chunks: int, transformer_options: dict[str, Any]) -> BatchView:
        """x_noisy: [chunks*pictures,...]; halves and window come from the host's options of the call."""
        pictures = x_noisy.shape[0] // chunks
        halves, unnamed = chunk_roles(transformer_options, chunks)
        holds_clip = x_noisy.ndim == 5 and x_noisy.shape[2] > 1
        clip = clip_of(transformer_options, x_noisy.shape[2]) if holds_clip else None
        return BatchView(halves, pictures, window_of(transformer_options, pictures), clip, unnamed)

    @property
    def video(self) -> bool:
        """Whether a picture of the batch is a whole clip."""
        return self.clip is not None

    @property
    def total(self) -> int:
        """Frames of the whole clip, or pictures of the whole batch."""
        return self.pictures if self.window is None else self.window.total

    @property
    def foreign_frames(self) -> tuple[int, ...] | None:
        """The frames of a window of AnimateDiff-Evolved, or None."""
        return self.window.frames if self.window is not None and self.window.foreign else None

    @property
    def frames(self) -> tuple[int, ...]:
        """The place in the clip of each picture of this call."""
        return tuple(range(self.pictures)) if self.window is None else self.window.frames

    def rows_of(self, count: int, who: str, what: str) -> tuple[int, ...] | None:
        """Which of `count` maps or masks belong to the pictures of this call; None for all of them as they are.

        Raises ValueError when there is neither one for all nor one for each.
        """
        if self.video:
            return None
        rows = matching_rows(count, self.pictures, self.window)
        if rows is not None:
            return None if count == 1 or self.window is None else rows
        unit = "pictures" if self.window is None else "frames"
        raise ValueError(
            f"{who}: {count} {what}s came in for a {'batch' if self.window is None else 'clip'} of {self.total} {unit}. "
            f"Give one {what} for all, or exactly one for each {unit.removesuffix('s')}"
            f"{' of the batch' if self.window is None else ''}."
        )
