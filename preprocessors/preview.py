"""A small picture of a map for the host's progress display."""

from __future__ import annotations

from typing import Any

import torch

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
