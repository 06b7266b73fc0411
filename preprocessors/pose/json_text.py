"""Poses as JSON text: what OpenPose writes and pose editors read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .keypoints import PARTS, Frame, read_frames, write_frames

_WHERE = "Poses from JSON, input text"
_SHARE_LIMIT = 2.0  # points beyond this are pixels, not shares of the canvas


def poses_to_json(poses: Any, indent: int = 0) -> str:
    """POSE_KEYPOINT as JSON: a list of frames, points in pixels rounded to hundredths."""
    frames = write_frames(read_frames(poses, "Poses to JSON, input poses"))
    for frame in frames:
        for person in frame["people"]:
            person.update({part: [round(value, 2) for value in values] for part, values in person.items()})
    return json.dumps(frames, indent=indent or None)


def poses_from_json(text: str, width: int = 0, height: int = 0) -> tuple[list[Frame], str]:
    """(POSE_KEYPOINT frames, report) of JSON text: one frame or a list of them, points in pixels or in 0..1.

    OpenPose's own files have no canvas; `width` and `height` give it, and override the one that is there by scaling nothing.
    ValueError in words for anything that is no pose.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{_WHERE}: this is no JSON (line {error.lineno}, column {error.colno}: {error.msg}). Paste the whole file."
        ) from None
    listed = value if isinstance(value, list) else [value]
    frames = read_frames([_with_canvas(one, width, height, number) for number, one in enumerate(listed)], _WHERE)
    shares = [number for number, frame in enumerate(frames) if _in_shares(frame)]
    frames = [_in_pixels(frame) if number in shares else frame for number, frame in enumerate(frames)]
    people = sum(len(frame["people"]) for frame in frames)
    canvas = f"{frames[0]['canvas_width']}x{frames[0]['canvas_height']}"
    report = (
        f"{_counted(len(frames), 'pose', 'poses')}, {_counted(people, 'person', 'people')} in all, canvas {canvas}."
    )
    if shares:
        report += " The points were given in 0 to 1 and now are in pixels."
    return write_frames(frames), report


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _with_canvas(frame: Any, width: int, height: int, number: int) -> Any:
    if not isinstance(frame, dict) or "people" not in frame:
        raise ValueError(f'{_WHERE}, frame {number}: it has no "people", so it is no pose.')
    size = {"canvas_width": width or frame.get("canvas_width"), "canvas_height": height or frame.get("canvas_height")}
    if not all(size.values()):
        raise ValueError(
            f"{_WHERE}, frame {number}: it does not say how large its canvas is. Set width and height to the size of the "
            "picture that it was found in."
        )
    return {**frame, **size}


def _in_shares(frame: Frame) -> bool:
    positions = [points[points[:, 2] > 0, :2] for person in frame["people"] for points in person.values()]
    found = np.concatenate(positions) if positions else np.empty((0, 2))
    return (
        bool(found.size)
        and min(frame["canvas_width"], frame["canvas_height"]) > 8
        and float(found.max()) <= _SHARE_LIMIT
    )


def _in_pixels(frame: Frame) -> Frame:
    scale = np.array([frame["canvas_width"], frame["canvas_height"], 1], np.float32)
    return {**frame, "people": [{part: person[part] * scale for part in PARTS} for person in frame["people"]]}
