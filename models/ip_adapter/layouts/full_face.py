"""IP-Adapter Full Face: a perceptron for every patch, so as many tokens as the encoder has patches."""

from __future__ import annotations

from typing import Any

from .layout import Layout, Shapes, has, size


def _build(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    from ..projections import PatchProjection

    features, hidden = size(shapes, "proj.0.weight", 1), size(shapes, "proj.0.weight", 0)
    return PatchProjection(features, hidden, size(shapes, "proj.2.weight", 0), operations, **factory)


FULL_FACE = Layout(
    name="full_face",
    title="IP-Adapter Full Face",
    reads="hidden",
    sign=lambda shapes: has(shapes, "proj.0.weight", "proj.2.weight", "proj.3.weight"),
    feature_width=lambda shapes: size(shapes, "proj.0.weight", 1),
    build=_build,
)
