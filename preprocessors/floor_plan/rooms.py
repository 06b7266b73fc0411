"""Rooms filled with flat colours, as a segmentation map."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import pad

from ..backends import need_opencv
from ..entry import Detected, Option, Options, Preprocessor
from ..filters import widened
from ..images.kinds import MAP_KINDS
from ..segment_colours import ADE_FLOOR, ADE_WALL, ade_palette, index_colours
from .walls import WALL_OPTIONS, wall_masks

_NOTHING = np.zeros(3, np.uint8)


def detect_rooms(pictures: torch.Tensor, options: Options) -> Detected:
    """Plans [B,h,w,3]: walls, and each area that walls and closed doors surround, in a colour; outside is black."""
    walls = wall_masks(pictures, options)
    closed = _closed(walls, options["door_width"] // 2)
    found = [_coloured(*pair, options) for pair in zip(walls.cpu().numpy(), closed.cpu().numpy(), strict=True)]
    counts = ", ".join(str(count) for _, count in found)
    maps = torch.from_numpy(np.stack([one for one, _ in found])).float() / 255
    return Detected(maps, (f"Rooms found: {counts}.",))


def _closed(walls: torch.Tensor, radius: int) -> torch.Tensor:
    """Walls with gaps of up to twice the radius filled. The paper goes on beyond its edge, so nothing closes against it."""
    around = pad(walls.float().unsqueeze(1), (2 * radius,) * 4)
    filled = widened(widened(around, radius), -radius) > 0.5
    height, width = walls.shape[1:]
    return filled[:, 0, 2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width]


def _coloured(walls: np.ndarray, closed: np.ndarray, options: Options) -> tuple[np.ndarray, int]:
    cv2 = need_opencv("Floor Plan Rooms")
    count, labels = cv2.connectedComponents((~(closed | walls)).astype(np.uint8), connectivity=4)
    outside = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    least = options["smallest_room"] * labels.size
    sizes = np.bincount(labels.ravel(), minlength=count)
    rooms = [label for label in range(1, count) if label not in outside and sizes[label] >= least]
    colours = np.tile(_NOTHING, (count, 1))
    colours[rooms] = index_colours(len(rooms)) if options["colours"] == "flat" else ade_palette()[ADE_FLOOR]
    result = colours[labels]
    result[closed & ~walls] = _NOTHING
    _fill_doors(result, closed & ~walls, labels, colours)
    result[walls] = ade_palette()[ADE_WALL]
    return result, len(rooms)


def _fill_doors(result: np.ndarray, doors: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> None:
    """A door opening belongs to the nearest room; walls alone keep the wall's colour."""
    if not doors.any() or not labels.any():
        return
    cv2 = need_opencv("Floor Plan Rooms")
    _, nearest = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    room_of = np.zeros(int(nearest.max()) + 1, int)
    room_of[nearest[labels > 0]] = labels[labels > 0]
    result[doors] = colours[room_of[nearest[doors]]]


FLOOR_PLAN_ROOMS = Preprocessor(
    method="floor_plan_rooms",
    node_id="ArmatureFloorPlanRooms",
    title="Floor Plan Rooms",
    summary="A floor plan with its rooms filled and its walls in ADE20K's wall colour, for segmentation control nets.",
    version=1,
    makes=MAP_KINDS["segmentation"],
    wanted_by=("segmentation",),
    detect=detect_rooms,
    options=(
        *WALL_OPTIONS,
        Option(
            "door_width",
            24,
            "Gaps in walls up to this many pixels count as closed, so that rooms end at their doors.",
            minimum=0,
            maximum=512,
            step=1,
        ),
        Option(
            "smallest_room",
            0.002,
            "Smaller areas are no rooms, as a share of the plan.",
            minimum=0.0,
            maximum=0.5,
            step=0.001,
        ),
        Option(
            "colours",
            "ade",
            "ade: every room in ADE20K's floor colour; flat: each room in a colour of its own.",
            choices=("ade", "flat"),
        ),
    ),
    search_aliases=("floorplan", "architecture", "room segmentation", "blueprint"),
    mistakes=("**Rooms run into one another.** Raise `door_width`; **no room is found**: lower `thinnest_wall`.",),
    sample="floor_plan",
    sample_options={"door_width": 48, "colours": "flat"},
)
