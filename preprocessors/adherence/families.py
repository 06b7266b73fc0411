"""Which measure belongs to which kind of map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import measures
from .measures import Measured

Measure = Callable[[torch.Tensor, torch.Tensor, int], Measured]


@dataclass(frozen=True)
class Family:
    """name: as the report has it; map_types: of the preprocessors' conventions; thin: lines that match within a tolerance."""

    name: str
    measure: Measure
    map_types: tuple[str, ...]
    thin: bool = False


_FAMILIES: tuple[Family, ...] = (
    Family("edge F1", measures.edge_f1, ("canny", "mlsd", "scribble", "mask"), thin=True),
    Family("SSIM", measures.ssim, ("softedge", "lineart")),
    Family("rank correlation", measures.depth_order, ("depth", "gray")),
    Family("mean IoU", measures.mean_iou, ("segmentation",)),
    Family("normals within 30 degrees", measures.normal_angles, ("normal",)),
)
_OTHERS = Family("1 - RMSE", measures.similarity, ())
POSE = Family(
    "PCK", measures.similarity, ("openpose", "pose_bgr")
)  # of key points; maps are compared only to show them


def family_of(map_type: str) -> Family:
    """The measure for this kind of map; kinds without one of their own are compared by value."""
    for family in (*_FAMILIES, POSE):
        if map_type in family.map_types:
            return family
    return _OTHERS
