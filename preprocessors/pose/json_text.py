"""Poses as JSON text: what OpenPose writes and pose editors read."""

from __future__ import annotations

import ast
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
    value = _parsed(text)
    if not value or not isinstance(value, (list, tuple, dict)):
        raise ValueError(
            f"{_WHERE}: {str(value)[:20]} holds no pose. Paste what a pose node or an editor of poses wrote."
        )
    read = read_poses(value, _WHERE, (height, width), _ADVICE)
    people = sum(len(frame["people"]) for frame in read.frames)
    canvas = f"{read.frames[0]['canvas_width']}x{read.frames[0]['canvas_height']}"
    report = f"{_counted(len(read.frames), 'pose', 'poses')}, {_counted(people, 'person', 'people')} in all, canvas {canvas}."
    return write_frames(read.frames), " ".join([report, *read.notes])


def _parsed(text: str) -> Any:
    """The value that the text holds: JSON, or Python's own way to print it. ValueError where it is neither."""
    inner = _unfenced(text.lstrip("\ufeff").strip())  # a byte-order mark, which editors on Windows write
    if not inner:
        raise ValueError(f"{_WHERE}: it is empty. Paste what a pose node or an editor of poses wrote.")
    try:
        return json.loads(inner)
    except json.JSONDecodeError as error:
        printed = _printed(inner)
        if printed is not None:
            return printed
        raise ValueError(
            f"{_WHERE}: this is no JSON (line {error.lineno}, column {error.colno}: {error.msg}). {_advice(inner)}"
        ) from None


def _unfenced(text: str) -> str:
    """Without the fence of a code block, in which chats and pages show JSON."""
    first, _, rest = text.partition("\n")
    return rest.rstrip().removesuffix("```") if first.startswith("```") else text


def _printed(text: str) -> Any:
    """What Python printed: single quotes, None, commas at the end; None for anything else."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (list, tuple, dict)) else None


def _advice(text: str) -> str:
    if text[0] not in "[{":
        return "The text itself is wanted, from its first bracket to its last, not the name of a file."
    return "Paste the whole file."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
