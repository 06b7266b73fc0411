"""IP-Adapter Plus for Kolors: the layout of Plus at a width of its own, read with CLIP ViT-L at 336 pixels."""

from __future__ import annotations

from .layout import Layout, has, size
from .plus import build_resampler

_WIDTH = 2048  # of the resampler; SDXL's has 1280

KOLORS = Layout(
    name="kolors",
    title="IP-Adapter Plus for Kolors",
    reads="hidden",
    sign=lambda shapes: has(shapes, "proj_in.weight") and size(shapes, "latents", 2) == _WIDTH,
    feature_width=lambda shapes: size(shapes, "proj_in.weight", 1),
    build=build_resampler,
)
