"""IP-Adapter FaceID: a face embedding in place of the image, and a LoRA for all attention layers in the same file."""

from __future__ import annotations

from typing import Any

from .layout import ATTENTION, Layout, Shapes, has, no_features, size

LORA_SIGN = ATTENTION + "0.to_q_lora.down.weight"


def build_face_projection(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    """The perceptron whose sizes the header shows."""
    from ..projections import FaceProjection

    width = size(shapes, "norm.weight", 0)
    faces, hidden = size(shapes, "proj.0.weight", 1), size(shapes, "proj.0.weight", 0)
    return FaceProjection(faces, hidden, width, size(shapes, "proj.2.weight", 0) // width, operations, **factory)


FACE_ID = Layout(
    name="face_id",
    title="IP-Adapter FaceID",
    reads="face",
    sign=lambda shapes: LORA_SIGN in shapes and has(shapes, "proj.0.weight", "proj.2.weight", "norm.weight"),
    feature_width=no_features,
    build=build_face_projection,
)
