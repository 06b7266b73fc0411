"""Rooms filled with flat colours, as a segmentation map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..backends import need_opencv
from ..entry import Detected, Option, Options, Preprocessor
from ..images.kinds import MAP_KINDS
from ..segment_colours import ADE_FLOOR, ADE_WALL, ade_palette, index_colours
from .walls import WALL_OPTIONS, walls_of

_TITLE = "Floor Plan Rooms"
_NOTHING = np.zeros(3, np.uint8)
_NARROWEST, _WIDEST = 4, 0.2  # gaps that are tried: from pixels to a share of the short side of what is built
_STEP = 1.25  # from one gap that is tried to the next


@dataclass(frozen=True)
class Rooms:
    """width: of the gaps that were closed, in pixels; closed: walls and closed gaps [h,w]; labels: areas [h,w] of int, and
    which of them are rooms.
    """

    width: int
    closed: np.ndarray
    labels: np.ndarray
    rooms: tuple[int, ...]


def detect_rooms(pictures: torch.Tensor, options: Options) -> Detected:
    """Plans [B,h,w,3]: walls, and each area that walls and closed doors surround, in a colour; outside is black.

    ValueError where a plan has no room: a map of walls alone would guide nothing.
    """
    plans = walls_of(pictures, options)
    masks = plans.masks.cpu().numpy()
    found = [_rooms(walls, options) for walls in masks]
    for walls, one in zip(masks, found, strict=True):
        if not one.rooms:
            raise ValueError(_none_found(walls, plans.notes))
    told = [f"Rooms found: {', '.join(str(len(one.rooms)) for one in found)}.", *plans.notes]
    if options["doors"] == "found" and options["door_width"]:
        widths = ", ".join(str(one.width) for one in found)
        told.append(f"Gaps of up to {widths} pixels count as doors.")
    maps = np.stack([_coloured(walls, one, options) for walls, one in zip(masks, found, strict=True)])
    return Detected(torch.from_numpy(maps).float() / 255, tuple(told))


def _none_found(walls: np.ndarray, notes: tuple[str, ...]) -> str:
    share = float(walls.mean())
    if not share:
        advice = "No line is thick enough for a wall: lower thinnest_wall, or set threshold between wall and paper"
    elif share > 0.5:  # more wall than room
        advice = "Most of the plan counts as wall: set wall_is to auto, or threshold between wall and paper"
    else:
        advice = "Raise door_width so that doors and windows close, lower smallest_room, or lower thinnest_wall"
    return " ".join([f"{_TITLE}: no room was found; walls are {share:.0%} of the plan. {advice}.", *notes])


def _rooms(walls: np.ndarray, options: Options) -> Rooms:
    """The rooms with the gaps of the options closed; found: with those that part the most rooms, in the plan's own scale."""
    width = options["door_width"]
    asked = _parted(walls, width, options["smallest_room"])
    if options["doors"] == "fixed" or not width or not walls.any():
        return asked
    tried = (_parted(walls, one, options["smallest_room"]) for one in _widths(walls))
    return max((asked, *tried), key=lambda one: len(one.rooms))  # of equals the first: as asked, else the narrowest


def _widths(walls: np.ndarray) -> list[int]:
    sides = [np.ptp(np.flatnonzero(walls.any(axis))) + 1 for axis in (0, 1)]
    widest = max(_NARROWEST, _WIDEST * float(min(sides)))
    count = int(np.log(widest / _NARROWEST) / np.log(_STEP)) + 1
    return sorted({round(_NARROWEST * _STEP**step) for step in range(count)} | {int(widest)})


def _parted(walls: np.ndarray, width: int, smallest: float) -> Rooms:
    cv2 = need_opencv(_TITLE)
    closed = _closed(walls, width // 2)
    count, labels = cv2.connectedComponents((~(closed | walls)).astype(np.uint8), connectivity=4)
    outside = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    sizes = np.bincount(labels.ravel(), minlength=count)
    least = smallest * labels.size
    rooms = tuple(label for label in range(1, count) if label not in outside and sizes[label] >= least)
    return Rooms(width, closed, labels, rooms)


def _closed(walls: np.ndarray, radius: int) -> np.ndarray:
    """Walls with gaps of up to twice the radius filled. The paper goes on beyond its edge, so nothing closes against it."""
    if not radius:
        return walls
    cv2 = need_opencv(_TITLE)
    around = np.pad(walls.astype(np.uint8), 2 * radius)
    filled = cv2.morphologyEx(around, cv2.MORPH_CLOSE, np.ones((2 * radius + 1,) * 2, np.uint8))
    height, width = walls.shape
    return filled[2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width] > 0


def _coloured(walls: np.ndarray, found: Rooms, options: Options) -> np.ndarray:
    rooms = list(found.rooms)
    colours = np.tile(_NOTHING, (int(found.labels.max()) + 1, 1))
    colours[rooms] = index_colours(len(rooms)) if options["colours"] == "flat" else ade_palette()[ADE_FLOOR]
    result = colours[found.labels]
    doors = found.closed & ~walls
    result[doors] = _NOTHING
    _fill_doors(result, doors, found.labels, colours)
    result[walls] = ade_palette()[ADE_WALL]
    return result


def _fill_doors(result: np.ndarray, doors: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> None:
    """A door opening belongs to the nearest room; walls alone keep the wall's colour."""
    if not doors.any() or not labels.any():
        return
    cv2 = need_opencv(_TITLE)
    _, nearest = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    room_of = np.zeros(int(nearest.max()) + 1, int)
    room_of[nearest[labels > 0]] = labels[labels > 0]
    result[doors] = colours[room_of[nearest[doors]]]


FLOOR_PLAN_ROOMS = Preprocessor(
    method="floor_plan_rooms",
    node_id="ArmatureFloorPlanRooms",
    title=_TITLE,
    summary="A floor plan with its rooms filled and its walls in ADE20K's wall colour, for segmentation control nets.",
    version=2,
    makes=MAP_KINDS["segmentation"],
    wanted_by=("segmentation",),
    detect=detect_rooms,
    options=(
        *WALL_OPTIONS,
        Option(
            "door_width",
            24,
            "Gaps in walls up to this many pixels count as closed, so that rooms end at their doors. 0: gaps stay open.",
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
        Option(
            "doors",
            "found",
            "found: where other gaps than door_width part more rooms, those are closed, up to a fifth of the plan; fixed: "
            "door_width as it is.",
            choices=("found", "fixed"),
        ),
    ),
    search_aliases=("floorplan", "architecture", "room segmentation", "blueprint"),
    mistakes=(
        "**Rooms run into one another.** Raise `door_width`; **no room is found**: lower `thinnest_wall`.",
        "**A room is cut in two where it is narrow.** Set `doors` to fixed, and `door_width` to the width of a door.",
    ),
    sample="floor_plan",
    sample_options={"colours": "flat"},
)
