"""IP-Adapter Plus (also plus-face and composition): a resampler reads all patches of the image."""

from __future__ import annotations

from typing import Any

from .layout import Layout, Shapes, has, size


def build_resampler(shapes: Shapes, operations: Any, kind: Any = None, **factory: Any) -> Any:
    """The resampler whose sizes the header shows; kind: the class, else the plain one."""
    from ..projections import Resampler

    depth = 0
    while has(shapes, f"layers.{depth}.0.to_q.weight"):
        depth += 1
    return (kind or Resampler)(
        queries=size(shapes, "latents", 1),
        features=size(shapes, "proj_in.weight", 1),
        width=size(shapes, "latents", 2),
        inner=size(shapes, "layers.0.0.to_q.weight", 0),
        hidden=size(shapes, "layers.0.1.1.weight", 0),
        out=size(shapes, "proj_out.weight", 0),
        depth=depth,
        operations=operations,
        **factory,
    )


PLUS = Layout(
    name="plus",
    title="IP-Adapter Plus",
    reads="hidden",
    sign=lambda shapes: has(shapes, "latents", "proj_in.weight", "layers.0.0.to_kv.weight"),
    feature_width=lambda shapes: size(shapes, "proj_in.weight", 1),
    build=build_resampler,
)
