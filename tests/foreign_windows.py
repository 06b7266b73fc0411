"""A MODEL that samples a clip in windows as the pack AnimateDiff-Evolved does, without that pack.

Written after what its version 1.5.7 (commit d8d163cd) does in `animatediff/sampling.py`: it wraps `CALC_COND_BATCH`, tells each
window in `transformer_options["ad_params"]`, refuses control objects that have no `sub_idxs`, and writes the window into those
that have one. Only the averaging is simpler: every window counts the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP

Frames = Sequence[int]


def ad_params(frames: Frames | None, total: int) -> dict[str, Any]:
    """What that pack tells of one window; `frames` is None where it samples a clip at once."""
    length = total if frames is None else len(frames)
    return {
        "full_length": total,
        "context_length": length,
        "sub_idxs": frames if frames is None else list(frames),
    }


def in_windows(model: Any, windows: Sequence[Frames]) -> Any:
    """A clone of a MODEL that samples in these windows of the clip."""
    clone = model.clone()
    clone.add_wrapper_with_key(
        WrappersMP.CALC_COND_BATCH, "windows of another pack", partial(_window_by_window, windows)
    )
    return clone


def _window_by_window(
    windows: Sequence[Frames], executor: Any, model: Any, conds: Any, x_in: torch.Tensor, timestep: Any, options: Any
) -> list[torch.Tensor]:
    sums = [torch.zeros_like(x_in) for _ in conds]
    counts = torch.zeros(x_in.shape[0], 1, 1, 1)
    for frames in windows:
        for link in (link for cond in conds for one in cond or () for link in _chain(one.get("control"))):
            _write_into(link, frames, x_in.shape[0])
        told = {**options["transformer_options"], "ad_params": ad_params(frames, x_in.shape[0])}
        rows = list(frames)
        outs = executor(model, conds, x_in[rows], timestep[rows], {**options, "transformer_options": told})
        counts[rows] += 1
        for total, out in zip(sums, outs, strict=True):
            total[rows] += out
    return [total / counts for total in sums]


def _chain(link: Any) -> list[Any]:
    return [] if link is None else [*_chain(link.previous_controlnet), link]


def _write_into(link: Any, frames: Frames, total: int) -> None:
    if not hasattr(link, "sub_idxs"):
        raise ValueError(
            f"Control type {type(link).__name__} may not support required features for sliding context window"
        )
    link.sub_idxs, link.full_latent_length, link.context_length = list(frames), total, len(frames)
