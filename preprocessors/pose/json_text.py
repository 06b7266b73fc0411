"""Poses as JSON text: what OpenPose writes and pose editors read."""

from __future__ import annotations

import json
from typing import Any

from .keypoints import Frame, write_frames
from .reading import read_frames, read_poses

_WHERE = "Poses from JSON, input text"
_ADVICE = "Set width and height to the size of the picture that it was found in."


def poses_to_json(poses: Any, indent: int = 0) -> str:
    """POSE_KEYPOINT as JSON: a list of frames, points in pixels rounded to hundredths."""
    frames = write_frames(read_frames(poses, "Poses to JSON, input poses"))
    for frame in frames:
        for person in frame["people"]:
            person.update({part: [round(value, 2) for value in values] for part, values in person.items()})
    return json.dumps(frames, indent=indent or None)


def poses_from_json(text: str, width: int = 0, height: int = 0) -> tuple[list[Frame], str]:
    """(POSE_KEYPOINT frames, report) of JSON text of any tool that `reading` knows.

    OpenPose's own files have no canvas; `width` and `height` give it, and override the one that is there by scaling nothing.
    ValueError in words for anything that is no pose.
    """
    read = read_poses(
        _parsed(text.lstrip("\ufeff")), _WHERE, (height, width), _ADVICE
    )  # editors on Windows write that mark
    people = sum(len(frame["people"]) for frame in read.frames)
    canvas = f"{read.frames[0]['canvas_width']}x{read.frames[0]['canvas_height']}"
    report = f"{_counted(len(read.frames), 'pose', 'poses')}, {_counted(people, 'person', 'people')} in all, canvas {canvas}."
    return write_frames(read.frames), " ".join([report, *read.notes])


def _parsed(text: str) -> Any:
    """The value in JSON, or a list of values that stand one after the other, as in files that hold a frame in each line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        several = _one_after_the_other(text)
        if several:
            return several
        raise ValueError(
            f"{_WHERE}: this is no JSON (line {error.lineno}, column {error.colno}: {error.msg}). Paste the whole file."
        ) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in thousands of lists
        raise ValueError(f"{_WHERE}: this cannot be read ({error}). Paste a file of poses.") from None


def _one_after_the_other(text: str) -> list[Any]:
    """Empty where something else stands between them."""
    values, rest = [], text.strip()
    while rest:
        try:
            value, end = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError):
            return []
        values.append(value)
        rest = rest[end:].lstrip().removeprefix(",").lstrip()
    return values


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
