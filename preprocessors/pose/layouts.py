"""The lists of points that tools write: how many points, in which order, with scores or without.

Sources: OpenPose's doc/02_output.md (BODY_25, COCO), COCO's key points, COCO-WholeBody's data format, the README of
Halpe-FullBody, MediaPipe's pose landmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .keypoints import (
    BODY,
    FACE,
    FEET,
    LEFT_HAND,
    PARTS,
    RIGHT_HAND,
    Person,
    body_of_coco,
    person_of,
    person_of_blazepose,
)

# OpenPose's 18 points as numbers of its BODY_25, and the feet of that: big toe, small toe, heel of the left, of the right.
_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
_FEET_25 = slice(19, 25)

# Halpe: COCO's 17, then head, neck, hip and feet, the two big toes first; of 136 points face and hands come after that.
_HALPE_NECK, _HALPE_FEET = 18, (20, 22, 24, 21, 23, 25)
_HALPE_FACE, _HALPE_LEFT_HAND, _HALPE_RIGHT_HAND = slice(26, 94), slice(94, 115), slice(115, 136)


@dataclass(frozen=True)
class Layout:
    """points: how many; name: for people, empty where nothing has to be said; read: [points,3] to parts of a person."""

    points: int
    name: str
    read: Callable[[np.ndarray], Person]


@dataclass(frozen=True)
class PointList:
    """points [N,3] of x, y, score, where score 0 is a point that was not found; what was assumed of them, in words."""

    points: np.ndarray
    layout: Layout
    notes: tuple[str, ...] = ()


def _as_it_is(part: str) -> Callable[[np.ndarray], Person]:
    """Points in our own order: more are cut off, of fewer the last are not found."""

    def read(points: np.ndarray) -> Person:
        whole = np.zeros((PARTS[part], 3), np.float32)
        whole[: len(points)] = points[: len(whole)]
        return {part: whole}

    return read


def _halpe(points: np.ndarray) -> Person:
    """[26,3], or [136,3] with a face and hands."""
    body = body_of_coco(points)
    body[1] = points[_HALPE_NECK]
    person = {BODY: body, FEET: points[list(_HALPE_FEET)]}
    if len(points) == 136:
        person |= _as_it_is(FACE)(points[_HALPE_FACE])
        person |= {LEFT_HAND: points[_HALPE_LEFT_HAND], RIGHT_HAND: points[_HALPE_RIGHT_HAND]}
    return person


LAYOUTS: dict[str, tuple[Layout, ...]] = {
    BODY: (
        Layout(17, "COCO's 17 points", lambda points: {BODY: body_of_coco(points)}),
        Layout(18, "", _as_it_is(BODY)),
        Layout(25, "OpenPose's BODY_25", lambda points: {BODY: points[list(_BODY_25)], FEET: points[_FEET_25]}),
        Layout(26, "Halpe's 26 points", _halpe),
        Layout(33, "MediaPipe's 33 points", person_of_blazepose),
        Layout(133, "COCO-WholeBody's 133 points", person_of),
        Layout(136, "Halpe's 136 points", _halpe),
    ),
    FACE: (
        Layout(68, "", _as_it_is(FACE)),
        Layout(70, "", _as_it_is(FACE)),
        Layout(72, "70 points of a face and two more, which are left out", _as_it_is(FACE)),
    ),
    LEFT_HAND: (Layout(21, "", _as_it_is(LEFT_HAND)),),
    RIGHT_HAND: (Layout(21, "", _as_it_is(RIGHT_HAND)),),
    FEET: (Layout(6, "", _as_it_is(FEET)),),
}


def read_list(values: Any, scores: Any, part: str, where: str) -> PointList | None:
    """The points of a list, flat or [[x, y], …], with a list of scores or without; None for one without numbers.

    ValueError names `where`, the count that came in and the counts that are known.
    """
    try:
        numbers = np.array(values if values is not None else [], np.float64)  # null becomes NaN
        sure = None if scores is None else np.array(scores, np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where}: a list of numbers is wanted, x, y, score for each point.") from None
    if not numbers.size:
        return None
    layout, given = _layout_of(numbers, part, where)
    notes = [f"{part} was read as {layout.name}"] if layout.name else []
    if sure is not None and sure.size == len(given):
        given = np.column_stack([given[:, :2], sure])
    elif given.shape[1] == 2 or np.isnan(given[:, 2]).all():
        given = np.column_stack([given[:, :2], np.ones(len(given))])
        notes.append(f"{part} has no scores, so each of its points counts as found, except those at 0, 0")
    return PointList(_found(given), layout, tuple(notes))


def _layout_of(numbers: np.ndarray, part: str, where: str) -> tuple[Layout, np.ndarray]:
    """(layout, [N,2] or [N,3] as they came)."""
    nested = numbers.shape if numbers.ndim == 2 and numbers.shape[1] in (2, 3) else None
    for layout in LAYOUTS[part]:
        for each in (3, 2):
            shape = (layout.points, each)
            if (nested == shape) if nested else (numbers.ndim == 1 and numbers.size == layout.points * each):
                return layout, numbers.reshape(shape)
    known = LAYOUTS[part]
    raise ValueError(
        f"{where}: {f'{len(numbers)} points' if nested else f'{numbers.size} numbers'} came in. Known are "
        f"{_listed(layout.points for layout in known)} points, as x, y, score "
        f"({_listed(3 * layout.points for layout in known)} numbers) or as x, y "
        f"({_listed(2 * layout.points for layout in known)} numbers)."
    )


def _found(points: np.ndarray) -> np.ndarray:
    """Zeros for what is no point: null, NaN, infinity, and 0, 0, which tools write for nothing."""
    there = np.isfinite(points).all(1) & (points[:, :2] != 0).any(1) & (points[:, 2] > 0)
    return np.where(there[:, None], points, 0).astype(np.float32)


def _listed(counts: Any) -> str:
    *first, last = map(str, counts)
    return f"{', '.join(first)} or {last}" if first else last
