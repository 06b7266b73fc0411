"""Clips that are longer than the model's batch: windows of frames, as the reference pipelines run them.

Every denoising step runs all windows of `length` frames, each starting `length - overlap` after the one before and the
last one shifted back to end with the clip. Frames in more than one window get the average of their predictions. For SVD
v2 the first map of every window is that of the reference image (see `Variant.pins_first_map`), so the first frame of
every window but the first follows the wrong map and is left out of the average; v1 does neither.

The host's context windows do the rest: they cut latents and conditioning, and they tell the control net which frames a
window holds, so that maps are made for those frames only and memory does not grow with the clip.
"""

from __future__ import annotations

from typing import Any

import comfy.context_windows as windows

LENGTH = 24  # settings of the reference for v2; v1: 14 frames, overlap 4
OVERLAP = 6


def with_windows(model: Any, length: int = LENGTH, overlap: int = OVERLAP, first_frame_pinned: bool = True) -> Any:
    """A clone of an SVD model that samples in windows of `length` frames.

    first_frame_pinned: the rule of v2. Raises ValueError for lengths that leave frames without a prediction.
    """
    least = 1 if first_frame_pinned else 0
    if not least <= overlap < length:
        raise ValueError(
            f"Windows of {length} frames with an overlap of {overlap} do not cover a clip. "
            f"Choose an overlap of at least {least} and less than the length; the reference uses {LENGTH} and {OVERLAP}."
        )
    clone = model.clone()
    handler = windows.IndexListContextHandler(
        context_schedule=windows.get_matching_context_schedule(windows.ContextSchedules.STATIC_STANDARD),
        fuse_method=windows.ContextFuseMethod("armature_controlnext", _without_first if first_frame_pinned else _flat),
        context_length=length,
        context_overlap=overlap,
    )
    # It puts one more frame in front of a window, and a video UNet that is told `length` frames fails on that.
    handler.causal_window_fix = False
    clone.model_options["context_handler"] = handler
    windows.create_prepare_sampling_wrapper(clone)  # memory is planned for a window, not for the clip
    return clone


def _flat(length: int, **_unused: Any) -> list[float]:
    return [1.0] * length


def _without_first(length: int, *, idxs: list[int], **_unused: Any) -> list[float]:
    """Weights of one window's frames; idxs: their indices in the clip."""
    return [0.0 if min(idxs) > 0 else 1.0] + [1.0] * (length - 1)
