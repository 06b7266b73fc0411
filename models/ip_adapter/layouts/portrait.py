"""IP-Adapter FaceID Portrait: FaceID's projection with more tokens and without the LoRA."""

from __future__ import annotations

from .face_id import LORA_SIGN, build_face_projection
from .layout import Layout, has, no_features

PORTRAIT = Layout(
    name="portrait",
    title="IP-Adapter FaceID Portrait",
    reads="face",
    sign=lambda shapes: LORA_SIGN not in shapes and has(shapes, "proj.0.weight", "proj.2.weight", "norm.weight"),
    feature_width=no_features,
    build=build_face_projection,
)
