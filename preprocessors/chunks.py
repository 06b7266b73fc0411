"""A batch through a method in parts that fit into memory, with progress, preview and a stop between two parts."""

from __future__ import annotations

from typing import Any

import torch

from .entry import Detected, Options, Preprocessor
from .grey import write_maps
from .images.frame_notes import summed_up

# A small picture of a map for the host's progress display.

_LONGEST = 256  # pixels


def preview_of(one: torch.Tensor) -> Any:
    """A map [h,w,3], of any range, as the host's ProgressBar takes previews: (format, picture, longest side)."""
    from PIL import Image

    step = max(1, max(one.shape[:2]) // _LONGEST)
    small = one[::step, ::step].float().contiguous()  # reductions of strided maps are slow
    low, high = float(small.amin()), float(small.amax())
    if low < 0 or high > 1:  # a method that is normalised over the whole clip at the end
        small = (small - low) / max(high - low, 1e-6)
    pixels = (small * 255).round().clamp(0, 255).to(device="cpu", dtype=torch.uint8).numpy()
    return "JPEG", Image.fromarray(pixels), _LONGEST


_SHARE = 0.7  # of the free memory; the rest is left to what the host does meanwhile
_LARGEST = 64  # pictures; beyond that a part only makes an interrupt wait longer


def detect_batch(entry: Preprocessor, pictures: torch.Tensor, settings: Options) -> Detected:
    """Run `entry` on pictures [B,h,w,C]. A part that runs out of memory is tried again in halves."""
    import comfy.utils
    from comfy.model_management import OOM_EXCEPTION, throw_exception_if_processing_interrupted

    bar = comfy.utils.ProgressBar(len(pictures))
    size, done, found = _part_size(entry, pictures), 0, Gathered(pictures)
    while done < len(pictures):
        throw_exception_if_processing_interrupted()
        part = pictures[done : done + size].float()
        try:
            # Not inference mode: its tensors must not reach nodes that change them in place.
            with torch.no_grad():
                detected = entry.detect(part, settings)
        except OOM_EXCEPTION:
            if size == 1 or entry.sees == "clip":
                raise
            size = _halved(size)
            continue
        done += len(part)
        found.add(detected)
        bar.update_absolute(done, len(pictures), _preview(detected, len(pictures)))
    return found.joined()


class Gathered:
    """The parts of a batch as they come, each written to its place at once; notes that came more than once are summed up."""

    def __init__(self, pictures: torch.Tensor) -> None:
        self.pictures, self.done = pictures, 0
        self.maps: torch.Tensor | None = None
        self.notes: dict[str, list[int]] = {}
        self.poses: list[dict[str, Any]] = []

    def add(self, part: Detected) -> None:
        """Take over a part. A method's only part is kept as it is where it is the method's own to give away."""
        for note in dict.fromkeys(part.notes):
            self.notes.setdefault(note, []).extend(range(self.done, self.done + len(part.maps)))
        self.poses.extend(part.poses)
        whole = len(part.maps) == len(self.pictures)
        if whole and part.maps.is_contiguous() and not _share_memory(part.maps, self.pictures):
            self.maps = part.maps
            return
        if self.maps is None:
            shape = (len(self.pictures), *part.maps.shape[1:])
            self.maps = torch.empty(shape, dtype=part.maps.dtype, device=part.maps.device)
        write_maps(part.maps, self.maps[self.done : self.done + len(part.maps)])
        self.done += len(part.maps)

    def joined(self) -> Detected:
        """The whole batch, its maps contiguous and nobody else's."""
        assert self.maps is not None, "a batch has at least one picture"
        return Detected(self.maps, summed_up(self.notes, len(self.pictures)), tuple(self.poses))


def _share_memory(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()


def check_memory(entry: Preprocessor, size: tuple[int, int]) -> None:
    """ValueError where one picture of (height, width) can never fit, whatever the host moves out of the way."""
    import comfy.model_management as management

    device = management.get_torch_device()
    needed, there = entry.bytes_per_pixel * size[0] * size[1], float(management.get_total_memory(device))  # type: ignore[arg-type]
    if needed > there:
        raise ValueError(
            f"{entry.title}: at {size[1]}x{size[0]} it needs about {needed / 1e9:.0f} GB, and {device} has {there / 1e9:.0f} "
            "GB. Use resolution_mode long_side with a smaller resolution; the map has the picture's size all the same."
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
