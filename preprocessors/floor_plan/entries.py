"""Floor plans seen by a camera, as depth and as normal map."""

from __future__ import annotations

import torch

from ..entry import Detected, Options, Preprocessor
from ..grey import as_grey_maps
from ..images.kinds import MAP_KINDS
from ..normals import CONVENTION, MAKES, normal_maps
from .camera import CAMERA_OPTIONS
from .space import view_of
from .walls import WALL_OPTIONS, walls_of

_ALIASES = ("floorplan", "architecture", "interior", "room layout", "extrude walls")
_MISTAKES = (
    "**The camera stands in a wall.** Move `camera_x` or `camera_y`, or lift the camera above the walls.",
    "**Furniture becomes walls.** Raise `thinnest_wall` above the thickness of its lines.",
)
_CAMERA_OF_SAMPLE = {"camera_x": 0.25, "camera_y": 0.8, "direction": 20.0, "plan_width": 12.0}


def detect_plan_depth(pictures: torch.Tensor, options: Options) -> Detected:
    """Plans [B,h,w,3] as the depth that a camera in them sees: near is white, by 1 / distance as depth nets give it."""
    plans = walls_of(pictures, options)
    near = torch.stack([1 / view_of(walls, options).depth for walls in plans.masks.cpu()])
    low, high = near.amin((1, 2), keepdim=True), near.amax((1, 2), keepdim=True)
    return Detected(as_grey_maps((near - low) / (high - low).clamp(min=1e-6)), plans.notes)


def detect_plan_normal(pictures: torch.Tensor, options: Options) -> Detected:
    """Plans [B,h,w,3] as the normals that a camera in them sees; the sky is flat."""
    plans = walls_of(pictures, options)
    views = [view_of(walls, options) for walls in plans.masks.cpu()]
    flat = torch.tensor([0.0, 0.0, 1.0])
    normals = torch.stack([torch.where(view.depth.isfinite().unsqueeze(-1), view.normals, flat) for view in views])
    return Detected(normal_maps(normals, options["convention"]), plans.notes)


FLOOR_PLAN_DEPTH = Preprocessor(
    method="floor_plan_depth",
    node_id="ArmatureFloorPlanDepth",
    title="Floor Plan Depth",
    summary="A floor plan's walls raised and seen by a camera inside (or above), as a depth map: near is white.",
    version=2,
    makes=MAP_KINDS["depth"],
    wanted_by=("depth",),
    detect=detect_plan_depth,
    options=(*WALL_OPTIONS, *CAMERA_OPTIONS),
    search_aliases=_ALIASES,
    mistakes=_MISTAKES,
    sample="floor_plan",
    sample_options=_CAMERA_OF_SAMPLE,
)

FLOOR_PLAN_NORMAL = Preprocessor(
    method="floor_plan_normal",
    node_id="ArmatureFloorPlanNormal",
    title="Floor Plan Normal",
    summary="A floor plan's walls raised and seen by a camera inside (or above), as a normal map.",
    version=2,
    makes=MAKES,
    wanted_by=("normal",),
    detect=detect_plan_normal,
    options=(*WALL_OPTIONS, *CAMERA_OPTIONS, CONVENTION),
    search_aliases=_ALIASES,
    mistakes=_MISTAKES,
    sample="floor_plan",
    sample_options=_CAMERA_OF_SAMPLE,
)
