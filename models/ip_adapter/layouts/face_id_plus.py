"""IP-Adapter FaceID Plus: a face embedding asks, the patches of the face's picture answer.

Versions 1 and 2 have the same keys and shapes. Version 2 adds the face's own tokens to the result.
"""

from __future__ import annotations

from typing import Any

from .layout import Layout, Shapes, has, size

V1, V2 = "face_id_plus_v1", "face_id_plus_v2"
_RESAMPLER = "perceiver_resampler."


def _build(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    from ..projections import FacePlusProjection

    depth = 0
    while has(shapes, f"{_RESAMPLER}layers.{depth}.0.to_q.weight"):
        depth += 1
    width = size(shapes, "norm.weight", 0)
    return FacePlusProjection(
        faces=size(shapes, "proj.0.weight", 1),
        hidden=size(shapes, "proj.0.weight", 0),
        width=width,
        tokens=size(shapes, "proj.2.weight", 0) // width,
        features=size(shapes, f"{_RESAMPLER}proj_in.weight", 1),
        inner=size(shapes, f"{_RESAMPLER}layers.0.0.to_q.weight", 0),
        feed_forward=size(shapes, f"{_RESAMPLER}layers.0.1.1.weight", 0),
        out=size(shapes, f"{_RESAMPLER}proj_out.weight", 0),
        depth=depth,
        operations=operations,
        **factory,
    )


FACE_ID_PLUS = Layout(
    name="face_id_plus",
    title="IP-Adapter FaceID Plus",
    reads="face_and_hidden",
    sign=lambda shapes: has(shapes, f"{_RESAMPLER}proj_in.weight"),
    feature_width=lambda shapes: size(shapes, f"{_RESAMPLER}proj_in.weight", 1),
    build=_build,
    variants=(V2, V1),
)
