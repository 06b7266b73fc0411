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
    value = _parsed(_unfenced(text.lstrip("\ufeff").strip()))  # editors on Windows write that mark
    read = read_poses(value, _WHERE, (height, width), _ADVICE)
    people = sum(len(frame["people"]) for frame in read.frames)
    canvas = f"{read.frames[0]['canvas_width']}x{read.frames[0]['canvas_height']}"
    report = f"{_counted(len(read.frames), 'pose', 'poses')}, {_counted(people, 'person', 'people')} in all, canvas {canvas}."
    return write_frames(read.frames), " ".join([report, *read.notes])


def _parsed(text: str) -> Any:
    """The value in JSON or as Python prints it, or a list of values that stand one after the other, a frame in each line."""
    if not text:
        raise ValueError(f"{_WHERE}: it is empty. Paste what a pose node or an editor of poses wrote.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        several = _one_after_the_other(text)
        printed = several or _printed(text)
        if printed:
            return printed
        advice = "Paste the whole file." if text[0] in "[{" else "The text itself is wanted, not the name of a file."
        raise ValueError(
            f"{_WHERE}: this is no JSON (line {error.lineno}, column {error.colno}: {error.msg}). {advice}"
        ) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in thousands of lists
        raise ValueError(f"{_WHERE}: this cannot be read ({error}). Paste a file of poses.") from None


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
