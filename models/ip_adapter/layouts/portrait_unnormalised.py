"""IP-Adapter FaceID Portrait without normalisation: the resampler of Plus, reading face embeddings of any length."""

from __future__ import annotations

from .layout import FACE_WIDTH, Layout, has, no_features, size
from .plus import build_resampler

PORTRAIT_UNNORMALISED = Layout(
    name="portrait_unnormalised",
    title="IP-Adapter FaceID Portrait (unnormalised)",
    reads="face",
    sign=lambda shapes: has(shapes, "latents") and size(shapes, "proj_in.weight", 1) == FACE_WIDTH,
    feature_width=no_features,
    build=build_resampler,
)
