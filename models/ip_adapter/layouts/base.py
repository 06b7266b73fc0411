"""The first IP-Adapter (also the light and the ViT-bigG ones): one linear layer makes a few tokens of a pooled embedding."""

from __future__ import annotations

from typing import Any

from .layout import Layout, Shapes, has, size


def _build(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    from ..projections import LinearProjection

    width = size(shapes, "norm.weight", 0)
    rows, features = size(shapes, "proj.weight", 0), size(shapes, "proj.weight", 1)
    return LinearProjection(features, width, rows // width, operations, **factory)


BASE = Layout(
    name="base",
    title="IP-Adapter",
    reads="pooled",
    sign=lambda shapes: has(shapes, "proj.weight", "norm.weight"),
    feature_width=lambda shapes: size(shapes, "proj.weight", 1),
    build=_build,
)
