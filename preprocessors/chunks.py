"""A batch through a method in parts that fit into memory, with progress, preview and a stop between two parts."""

from __future__ import annotations

from typing import Any

import torch

from .entry import Detected, Options, Preprocessor
from .preview import preview_of

_SHARE = 0.7  # of the free memory; the rest is left to what the host does meanwhile
_LARGEST = 64  # pictures; beyond that a part only makes an interrupt wait longer


def detect_batch(entry: Preprocessor, pictures: torch.Tensor, settings: Options) -> Detected:
    """Run `entry` on pictures [B,h,w,C]. A part that runs out of memory is tried again in halves."""
    import comfy.utils
    from comfy.model_management import OOM_EXCEPTION, throw_exception_if_processing_interrupted

    bar = comfy.utils.ProgressBar(len(pictures))
    size, done, found = _part_size(entry, pictures), 0, []
    while done < len(pictures):
        throw_exception_if_processing_interrupted()
        part = pictures[done : done + size].float()
        try:
            with torch.inference_mode():
                found.append(entry.detect(part, settings))
        except OOM_EXCEPTION:
            if size == 1 or entry.sees == "clip":
                raise
            size = _halved(size)
            continue
        done += len(part)
        bar.update_absolute(done, len(pictures), _preview(found[-1], len(pictures)))
    return joined(found)


def joined(parts: list[Detected]) -> Detected:
    """The parts of a batch as one; a note that came more than once is told once."""
    notes = dict.fromkeys(note for one in parts for note in one.notes)
    # A copy, made outside of inference mode, whose tensors must not reach nodes that change them in place.
    return Detected(
        torch.cat([one.maps for one in parts]), tuple(notes), tuple(pose for one in parts for pose in one.poses)
    )


def _part_size(entry: Preprocessor, pictures: torch.Tensor) -> int:
    import comfy.model_management as management

    if entry.sees == "clip":
        return len(pictures)
    device = management.get_torch_device()
    if not entry.bytes_per_pixel or management.is_device_cpu(device):
        return 1
    needed = entry.bytes_per_pixel * pictures.shape[1] * pictures.shape[2]
    free = float(management.get_free_memory(device))  # type: ignore[arg-type]  # one number, as nothing else is asked
    return max(1, min(_LARGEST, len(pictures), int(_SHARE * free / needed)))


def _halved(size: int) -> int:
    import comfy.model_management as management

    management.soft_empty_cache()
    return max(1, size // 2)


def _preview(found: Detected, total: int) -> Any:
    """Of clips only: a single picture shows its map right after."""
    return preview_of(found.maps[-1]) if total > 1 else None
