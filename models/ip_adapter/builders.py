"""The modules of an IP-Adapter file, in the sizes that its header shows: a builder for each kind of projection and layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from ..files.layouts.ip_adapter import FACE_RESAMPLER, Layout, Projection, Shapes, has, size
from ..files.layouts.ip_adapter_transformers import TIME_SIGN
from .joint_attention import JointLayer
from .projections import FacePlusProjection, FaceProjection, LinearProjection, PatchProjection, Resampler, TimeResampler


def build_linear(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    width = size(shapes, "norm.weight", 0)
    rows, features = size(shapes, "proj.weight", 0), size(shapes, "proj.weight", 1)
    return LinearProjection(features, width, rows // width, operations, **factory)


def build_resampler(shapes: Shapes, operations: Any, kind: Any = None, **factory: Any) -> Any:
    """The resampler whose sizes the header shows; kind: the class, else the plain one."""
    return (kind or Resampler)(
        queries=size(shapes, "latents", 1),
        features=size(shapes, "proj_in.weight", 1),
        width=size(shapes, "latents", 2),
        inner=size(shapes, "layers.0.0.to_q.weight", 0),
        hidden=size(shapes, "layers.0.1.1.weight", 0),
        out=size(shapes, "proj_out.weight", 0),
        depth=_depth(shapes),
        operations=operations,
        **factory,
    )


def _depth(shapes: Shapes, resampler: str = "") -> int:
    """How many layers a resampler has; resampler: the beginning of its names."""
    return next(number for number in count() if not has(shapes, f"{resampler}layers.{number}.0.to_q.weight"))


def build_face_perceptron(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    """The perceptron whose sizes the header shows."""
    width = size(shapes, "norm.weight", 0)
    faces, hidden = size(shapes, "proj.0.weight", 1), size(shapes, "proj.0.weight", 0)
    return FaceProjection(faces, hidden, width, size(shapes, "proj.2.weight", 0) // width, operations, **factory)


def build_face_resampler(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    width = size(shapes, "norm.weight", 0)
    return FacePlusProjection(
        faces=size(shapes, "proj.0.weight", 1),
        hidden=size(shapes, "proj.0.weight", 0),
        width=width,
        tokens=size(shapes, "proj.2.weight", 0) // width,
        features=size(shapes, f"{FACE_RESAMPLER}proj_in.weight", 1),
        inner=size(shapes, f"{FACE_RESAMPLER}layers.0.0.to_q.weight", 0),
        feed_forward=size(shapes, f"{FACE_RESAMPLER}layers.0.1.1.weight", 0),
        out=size(shapes, f"{FACE_RESAMPLER}proj_out.weight", 0),
        depth=_depth(shapes, FACE_RESAMPLER),
        operations=operations,
        **factory,
    )


def build_perceptron(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    features, hidden = size(shapes, "proj.0.weight", 1), size(shapes, "proj.0.weight", 0)
    return PatchProjection(features, hidden, size(shapes, "proj.2.weight", 0), operations, **factory)


def build_time_resampler(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    frequencies = size(shapes, TIME_SIGN, 1)
    return build_resampler(shapes, operations, kind=TimeResampler, frequencies=frequencies, **factory)


def build_joint_layer(width: int, out: int, shapes: Shapes, operations: Any, **factory: Any) -> Any:
    """shapes: of the layer's own tensors, without the layer's number in their names."""
    time, head = shapes["norm_ip.linear.weight"][1], shapes["norm_ip_k.weight"][0]
    return JointLayer(width, out, time, head, operations, **factory)


PROJECTIONS: Mapping[Projection, Callable[..., Any]] = {
    "linear": build_linear,
    "resampler": build_resampler,
    "time_resampler": build_time_resampler,
    "perceptron": build_perceptron,
    "face_perceptron": build_face_perceptron,
    "face_resampler": build_face_resampler,
}


def build_projection(layout: Layout, shapes: Shapes, operations: Any, **factory: Any) -> Any:
    """The image projection of a file of this layout."""
    return PROJECTIONS[layout.projection](shapes, operations, **factory)
