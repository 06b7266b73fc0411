"""Reading poses, from whatever tool: POSE_KEYPOINT of other nodes, and what JSON files hold.

Each list of points is decided for itself: its layout by its length, whether it has scores, and whether it is in pixels or in
shares of the canvas. What was assumed comes back in words; what is not known is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...common.number_ranges import in_ranges
from .keypoints import BODY, PARTS, Frame, Person, nobody
from .layouts import PointList, read_list
from .tool_files import CANVAS_NAMES, PART_NAMES, SCORE_NAMES, frames_of, plain_points

_SHARE_LIMIT = 2.0  # points beyond this are pixels, not shares of the canvas, unless most of their list are shares
_LEAST_CANVAS = 8  # pixels of a side; on smaller ones shares and pixels cannot be told apart
_CANVAS_STEP = 64  # pixels; what pictures for diffusion models are usually a multiple of

_EMPTY: dict[str, Any] = {"people": []}


@dataclass(frozen=True)
class Reading:
    """Frames with each part as [N,3] array (x, y in pixels, score), and what was assumed, as sentences."""

    frames: list[Frame]
    notes: tuple[str, ...] = ()


@dataclass
class _Found:
    """A frame while it is read: its size where it has one, and the lists of each of its people."""

    where: str
    size: tuple[int, int] | None
    people: list[dict[str, PointList]] = field(default_factory=list)

    def lists(self) -> Iterator[PointList]:
        for person in self.people:
            yield from person.values()


def read_frames(value: Any, where: str) -> list[Frame]:
    """The frames of `read_poses`, for those who have nobody to tell what was assumed."""
    return read_poses(value, where).frames


def read_poses(value: Any, where: str, size: tuple[int, int] = (0, 0), advice: str = "") -> Reading:
    """POSE_KEYPOINT frames, or what JSON holds of poses: one frame, a list, lists in lists, one person, one list of points.

    size: (height, width) of the canvas, before what the frames say; 0 leaves it to them. advice: what to do about a canvas
    that nobody knows. ValueError names `where` and what is no pose.
    """
    assumed: list[str] = []
    frames = frames_of(value, where, assumed.append)
    if not any(frames):
        raise ValueError(
            f"{where}: POSE_KEYPOINT frames are wanted. Link a pose node, such as SDPose Keypoint Extractor."
        )
    found = [_read(frame or _EMPTY, f"{where}, frame {number}", size) for number, frame in enumerate(frames)]
    canvas = next((one.size for one in found if one.size), None)
    notes = _Notes(len(found))
    for one in dict.fromkeys(assumed):
        notes.add(f"{one}.")
    if canvas is None:
        canvas = _guessed_canvas(found, advice)
        notes.add(
            f"Nothing says how large the picture was: {canvas[1]}x{canvas[0]} was assumed, which holds all points. {advice}"
        )
    done = [_whole(one, one.size or canvas, notes.of_frame(number)) for number, one in enumerate(found)]
    return Reading(done, notes.sentences())


class _Notes:
    """What was assumed, each once, with the frames that it was assumed of."""

    def __init__(self, total: int) -> None:
        self.total, self.whole, self.frames = total, list[str](), dict[str, set[int]]()

    def add(self, sentence: str) -> None:
        self.whole.append(sentence.strip())

    def of_frame(self, number: int) -> Any:
        return lambda note: self.frames.setdefault(note, set()).add(number)

    def sentences(self) -> tuple[str, ...]:
        partly = {note: len(frames) < self.total for note, frames in self.frames.items()}
        told = [f"{note}{f' (frames {in_ranges(self.frames[note])})' if partly[note] else ''}." for note in self.frames]
        return (*self.whole, *told)


def _read(frame: dict[str, Any], where: str, size: tuple[int, int]) -> _Found:
    people = [one for one in frame["people"] if one is not None]
    lists = [_lists(person, f"{where}, person {number}") for number, person in enumerate(people)]
    return _Found(where, _size(frame, where, size), lists)


def _lists(person: Any, where: str) -> dict[str, PointList]:
    if isinstance(person, (list, tuple)):
        person = {BODY: person}
    if not isinstance(person, dict):
        raise ValueError(f"{where}: a dictionary of lists of points is wanted, not {type(person).__name__}.")
    if person and not any(name in person for names in PART_NAMES.values() for name in names):
        raise ValueError(
            f"{where}: none of its lists is known ({', '.join(map(str, list(person)[:8]))}). "
            f"Known are {', '.join(PARTS)}, and keypoints."
        )
    found = {}
    for part, names in PART_NAMES.items():
        name = next((one for one in names if person.get(one) is not None), None)
        if name is not None:
            scores = next((person[one] for one in SCORE_NAMES if one in person), None) if part == BODY else None
            points = read_list(plain_points(person[name]), scores, part, f"{where}, {name}")
            if points is not None:
                found[part] = points
    return found


def _size(frame: dict[str, Any], where: str, wanted: tuple[int, int]) -> tuple[int, int] | None:
    """(height, width) of the canvas in whole pixels, None where the frame says nothing."""
    sides = []
    for (key, names), given in zip(CANVAS_NAMES.items(), reversed(wanted), strict=True):
        side = given or next((frame[name] for name in names if frame.get(name) is not None), None)
        try:
            sides.append(None if side is None else int(side))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{where}: {key} is {side!r}, a number of pixels is wanted.") from None
    width, height = sides
    if width is None or height is None:
        return None
    if height < 1 or width < 1:
        raise ValueError(f"{where}: its canvas is {width}x{height} pixels.")
    return height, width


def _guessed_canvas(found: list[_Found], advice: str) -> tuple[int, int]:
    """(height, width) that holds all points in pixels. ValueError where there are none: shares fit any canvas."""
    lists = [(one, points) for one in found for points in one.lists()]
    shares = [one.where for one, points in lists if _in_shares(points.points)]
    placed = [points.points[points.points[:, 2] > 0, :2] for _, points in lists]
    positions = np.concatenate(placed) if placed else np.empty((0, 2))
    if shares or not len(positions):
        where = shares[0] if shares else found[0].where
        why = "its points are shares of it" if shares else "it has no points to tell it from"
        raise ValueError(
            f"{where}: it has no canvas_width and canvas_height, so it does not say how large its canvas is, and {why}. "
            + (advice or "Give both in pixels: the size of the picture that it was found in.")
        )
    width, height = (max(1, math.ceil((float(side) + 1) / _CANVAS_STEP)) * _CANVAS_STEP for side in positions.max(0))
    return height, width


def _in_shares(points: np.ndarray) -> bool:
    """Whether a list is in 0..1 of the canvas: most of its points are, some may lie outside of the picture."""
    found = points[points[:, 2] > 0, :2]
    return bool(len(found)) and 2 * int((np.abs(found) <= _SHARE_LIMIT).all(1).sum()) >= len(found)


def _whole(found: _Found, size: tuple[int, int], note: Any) -> Frame:
    people = [_person(person, size, note) for person in found.people]
    return {"canvas_width": size[1], "canvas_height": size[0], "people": people}


def _person(lists: dict[str, PointList], size: tuple[int, int], note: Any) -> Person:
    """All parts; a list of the part's own comes before what the body's list has of it."""
    whole = nobody()
    for part in PARTS:
        if part in lists:
            one = lists[part]
            points = one.points
            if min(size) > _LEAST_CANVAS and _in_shares(points):
                note(f"the points of {part} were given in 0 to 1 of the canvas and now are in pixels")
                points = points * np.array([size[1], size[0], 1], np.float32)
            for assumed in one.notes:
                note(assumed)
            whole.update(one.layout.read(points))
    return whole
