"""InstantX' IP-Adapter for Stable Diffusion 3.5 Large: a resampler that follows the timestep, and more than keys and values.

The names are checked against those that `diffusers` reads (`SD3Transformer2DLoadersMixin`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .layout import Shapes, has, size
from .plus import PLUS, build_resampler

TIME_SIGN = "time_embedding.linear_1.weight"


def _build(shapes: Shapes, operations: Any, **factory: Any) -> Any:
    from ..time_resampler import TimeResampler

    frequencies = size(shapes, TIME_SIGN, 1)
    return build_resampler(shapes, operations, kind=TimeResampler, frequencies=frequencies, **factory)


def _build_layer(width: int, out: int, shapes: Shapes, operations: Any, **factory: Any) -> Any:
    """shapes: of the layer's own tensors, without the layer's number in their names."""
    from ..joint_layer import JointLayer

    time, head = shapes["norm_ip.linear.weight"][1], shapes["norm_ip_k.weight"][0]
    return JointLayer(width, out, time, head, operations, **factory)


INSTANTX_SD3 = replace(
    PLUS,
    name="instantx_sd3",
    title="InstantX' IP-Adapter",
    sign=lambda shapes: has(shapes, TIME_SIGN),
    build=_build,
    build_layer=_build_layer,
    follows_timestep=True,
)
