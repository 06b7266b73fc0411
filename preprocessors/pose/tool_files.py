"""What tools wrap people in: lists in lists, records of people with the number of their picture, columns, named frames.

Sources: OpenPose's doc/02_output.md, COCO's annotations and results, MMPose's `instance_info` and predictions, AlphaPose's
three formats, Ultralytics' `to_json`, MediaPipe's landmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND

# Names of the same lists in OpenPose's older files, COCO's and COCO-WholeBody's annotations, AlphaPose, MediaPipe, editors.
PART_NAMES = {
    BODY: (BODY, "keypoints", "pose_keypoints", "joints", "landmarks", "pose_landmarks", "poseLandmarks"),
    FACE: (FACE, "face_kpts", "face_keypoints"),
    LEFT_HAND: (LEFT_HAND, "lefthand_kpts", "hand_left_keypoints", "left_hand_landmarks", "leftHandLandmarks"),
    RIGHT_HAND: (RIGHT_HAND, "righthand_kpts", "hand_right_keypoints", "right_hand_landmarks", "rightHandLandmarks"),
    FEET: (FEET, "foot_kpts"),
}
CANVAS_NAMES = {
    "canvas_width": ("canvas_width", "width", "image_width"),
    "canvas_height": ("canvas_height", "height", "image_height"),
}
SCORE_NAMES = ("keypoint_scores", "scores")
_PEOPLE_NAMES = ("people", "instances", "annotations", "bodies")
_FRAMES_NAMES = ("instance_info", "predictions", "frames")
_SURENESS = ("score", "confidence", "visibility", "visible")
_DEEPEST = 12  # lists in lists; no tool writes more than five

Frame = dict[str, Any] | None
Note = Callable[[str], None]


def frames_of(value: Any, where: str, note: Note) -> list[Frame]:
    """Frames as dictionaries with "people" and maybe a canvas, None for a picture with nobody in it; empty for what is no pose.

    note: is told what was assumed. ValueError names `where` and what is no pose.
    """
    return _frames(value, where, note, 0)


def is_points(value: Any) -> bool:
    """Whether something is one person's list of points: numbers (and null), pairs and triples of them, or {x, y} of each."""
    if isinstance(value, dict):
        return is_columns(value)
    if not isinstance(value, (list, tuple)):
        return False
    if len(value) > 1 and all(_is_number(one) for one in value):
        return any(one is not None for one in value)
    return any(one is not None for one in value) and all(one is None or _is_point(one) for one in value)


def is_columns(value: Any) -> bool:
    """Whether something holds the points by column, {"x": […], "y": […]}."""
    return isinstance(value, dict) and isinstance(value.get("x"), list) and isinstance(value.get("y"), list)


def plain_points(value: Any) -> Any:
    """A list of points in any of the ways of `is_points` as numbers or as [[x, y, score], …]; anything else as it is."""
    if is_columns(value):
        sure = next((value[name] for name in _SURENESS if value.get(name) is not None), None)
        columns = [value["x"], value["y"], *([] if sure is None else [sure])]
        return [list(one) for one in zip(*columns, strict=False)]
    if not isinstance(value, (list, tuple)) or not any(isinstance(one, (dict, list, tuple)) for one in value):
        return value
    points = [_plain_point(one) for one in value]
    known = next((one for one in points if one is not None), [])
    return [[None] * len(known) if one is None else one for one in points]


def _frames(value: Any, where: str, note: Note, depth: int, before: int = 0) -> list[Frame]:
    """before: how many frames came before these."""
    if isinstance(value, dict):
        return _frames_of_dictionary(value, where, note, depth, before)
    if not isinstance(value, (list, tuple)):
        return []
    if depth > _DEEPEST:
        raise ValueError(f"{where}: lists lie in lists more than {_DEEPEST} deep, so it is no pose.")
    if is_points(value):
        return [{"people": [value]}]
    if value and all(_is_person(one) for one in value):
        return _by_picture(list(value), {}, note)
    frames: list[Frame] = []
    for one in value:
        if not isinstance(one, (dict, list, tuple, type(None))):
            raise ValueError(f'{where}, frame {before + len(frames)}: it has no "people", so it is no pose.')
        # null: a picture with nobody in it
        frames.extend([None] if one is None else _frames(one, where, note, depth + 1, before + len(frames)))
    return frames


def _frames_of_dictionary(value: dict[str, Any], where: str, note: Note, depth: int, before: int) -> list[Frame]:
    several = next((name for name in _FRAMES_NAMES if isinstance(value.get(name), list)), None)
    if several and not _is_frame(value):
        return _frames(value[several], where, note, depth + 1, before)
    if isinstance(value.get("images"), list) and isinstance(value.get("annotations"), list):
        images = {one.get("id"): one for one in value["images"] if isinstance(one, dict)}
        return _by_picture([one for one in value["annotations"] if one is not None], images, note)
    if not _is_frame(value):
        named = [one for one in value.values() if isinstance(one, dict) and _is_frame(one)]
        if named:  # frames under the names of their pictures
            return [{**one, "people": _people(one, f"{where}, frame {before + n}")} for n, one in enumerate(named)]
    return [{**value, "people": _people(value, f"{where}, frame {before}")}]


def _is_frame(value: dict[str, Any]) -> bool:
    return any(name in value for name in _PEOPLE_NAMES) or _has_parts(value)


def _has_parts(value: dict[str, Any]) -> bool:
    return any(name in value for names in PART_NAMES.values() for name in names)


def _is_person(one: Any) -> bool:
    """Whether it is a person's record or points, and no frame of its own: without people, without a canvas."""
    if not isinstance(one, dict):
        return is_points(one)
    if any(name in one for name in (*_PEOPLE_NAMES, *(name for names in CANVAS_NAMES.values() for name in names))):
        return False
    return _has_parts(one) and not _several_bodies(one)


def _by_picture(people: list[Any], images: dict[Any, dict[str, Any]], note: Note) -> list[Frame]:
    """Frames of people who say which picture they are in, or of all in one."""
    frames: dict[Any, dict[str, Any]] = {
        number: {**{name: image[name] for name in ("width", "height") if name in image}, "people": []}
        for number, image in images.items()
    }
    for one in people:
        number = one.get("image_id") if isinstance(one, dict) else None
        frames.setdefault(number if isinstance(number, (int, str)) else None, {"people": []})["people"].append(one)
    if len(people) > 1 and list(frames) == [None]:
        note(f"{len(people)} people stand in one list without frames and were read as people of one picture")
    return list(frames.values())


def _people(frame: dict[str, Any], where: str) -> list[Any]:
    for name in _PEOPLE_NAMES:
        if name in frame:
            people = frame[name] or []
            if not isinstance(people, (list, tuple, dict)):
                raise ValueError(f'{where}: "{name}" is {type(people).__name__}; a list of people is wanted.')
            return [people] if isinstance(people, dict) or (people and is_points(people)) else list(people)
    bodies = _several_bodies(frame)
    if bodies:
        return bodies
    if _has_parts(frame):
        return [frame]
    raise ValueError(f'{where}: it has no "people", so it is no pose.')


def _several_bodies(frame: dict[str, Any]) -> list[Any]:
    """An editor's or a network's list of several people's points, with their scores; empty where there is none."""
    bodies = next((frame[name] for name in PART_NAMES[BODY] if frame.get(name) is not None), None)
    if not isinstance(bodies, (list, tuple)) or not bodies or is_points(bodies):
        return []
    if not all(is_points(one) for one in bodies):
        return []
    scores = next((frame[name] for name in SCORE_NAMES if isinstance(frame.get(name), list)), [])
    if len(scores) != len(bodies):
        return list(bodies)
    return [{BODY: points, SCORE_NAMES[0]: sure} for points, sure in zip(bodies, scores, strict=True)]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return "x" in value and "y" in value and _is_number(value["x"]) and _is_number(value["y"])
    return isinstance(value, (list, tuple)) and len(value) in (2, 3) and all(_is_number(one) for one in value)


def _plain_point(one: Any) -> Any:
    if not isinstance(one, dict):
        return one
    sure = next((one[name] for name in _SURENESS if one.get(name) is not None), None)
    return [one.get("x"), one.get("y"), *([] if sure is None else [sure])]
