"""IP-Adapter FaceID Plus for Kolors. Its tokens have the width of Kolors' text encoder, before the UNet's own projection."""

from __future__ import annotations

from .face_id_plus import FACE_ID_PLUS
from .layout import Layout, size

_WIDTH = 4096

KOLORS_FACE_ID = Layout(
    name="kolors_face_id",
    title="IP-Adapter FaceID Plus for Kolors",
    reads="face_and_hidden",
    sign=lambda shapes: size(shapes, "perceiver_resampler.layers.0.0.to_out.weight", 0) == _WIDTH,
    feature_width=FACE_ID_PLUS.feature_width,
    build=FACE_ID_PLUS.build,
    refusal="it needs Kolors' own projection of text features inside the UNet, which ComfyUI does not load",
)
