"""Poses as text and back, and out of what other tools write: every list by its length, nothing read wrongly in silence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.pose.json_text import poses_from_json, poses_to_json
from armature_pack.preprocessors.pose.keypoints import PARTS
from armature_pack.preprocessors.pose.people import map_of_poses
from hypothesis import given, settings
from hypothesis import strategies as st

HEIGHT, WIDTH = 512, 384
RNG = np.random.default_rng(3)
OPENPOSE = np.column_stack([RNG.uniform(20, 360, (18, 2)), RNG.uniform(0.5, 1, 18)])
OPENPOSE[1, :2] = (OPENPOSE[2, :2] + OPENPOSE[5, :2]) / 2  # where COCO has no neck, it is made of the shoulders
OPENPOSE[1, 2] = min(OPENPOSE[2, 2], OPENPOSE[5, 2])
FEET = np.column_stack([RNG.uniform(20, 360, (6, 2)), np.full(6, 0.9)])
HANDS = [np.column_stack([RNG.uniform(20, 360, (21, 2)), np.full(21, 0.9)]) for _ in range(2)]
FACE = np.column_stack([RNG.uniform(20, 360, (70, 2)), np.full(70, 0.9)])
FACE[68:] = OPENPOSE[[14, 15]]


def body_25() -> np.ndarray:
    """Its points 8 and 19 to 24 are the middle of the hips and the feet."""
    hips = np.array([[(OPENPOSE[8, 0] + OPENPOSE[11, 0]) / 2, (OPENPOSE[8, 1] + OPENPOSE[11, 1]) / 2, 0.9]])
    return np.concatenate([OPENPOSE[:8], hips, OPENPOSE[8:], FEET])


def coco_17() -> np.ndarray:
    return OPENPOSE[[0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]]


def whole_133() -> np.ndarray:
    return np.concatenate([coco_17(), FEET, FACE[:68], *HANDS])


BODIES = {"COCO-18": OPENPOSE, "COCO-17": coco_17(), "BODY_25": body_25(), "whole body": whole_133()}


def text_of(person: Any, **frame: Any) -> str:
    return json.dumps({"canvas_width": WIDTH, "canvas_height": HEIGHT, "people": [person], **frame})


def part(text: str, name: str = "pose_keypoints_2d", **size: int) -> tuple[np.ndarray, str]:
    """(the points [N,3] of a list of the first person, the report)."""
    frames, report = poses_from_json(text, **size)
    return np.reshape(frames[0]["people"][0][name], (-1, 3)), report


def test_there_and_back():
    poses = example_poses("wave", 3)
    again, report = poses_from_json(poses_to_json(poses))
    assert len(again) == 3 and "3 poses, 3 people in all, canvas 384x512" in report
    for first, second in zip(poses, again, strict=True):
        ours, theirs = (np.array(one["people"][0]["pose_keypoints_2d"]) for one in (first, second))
        assert np.allclose(ours, theirs, atol=0.006)


@pytest.mark.parametrize("shares", [False, True], ids=["pixels", "shares"])
@pytest.mark.parametrize("scores", ["scores", "none", "null"])
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_any_layout_is_the_same_body(name, nested, scores, shares):
    points = BODIES[name] / ([WIDTH, HEIGHT, 1] if shares else [1, 1, 1])
    written = points[:, :2] if scores == "none" else np.where([True, True, scores == "scores"], points, np.nan)
    numbers = written.tolist() if nested else written.ravel().tolist()
    found, report = part(text_of({"pose_keypoints_2d": numbers}).replace("NaN", "null"))
    assert np.allclose(found[:, :2], OPENPOSE[:, :2], atol=0.01)
    assert np.allclose(found[:, 2], OPENPOSE[:, 2] if scores == "scores" else 1, atol=1e-5)
    assert ("now are in pixels" in report) == shares and ("no scores" in report) == (scores != "scores")
    said = {"COCO-18": "people in all", "COCO-17": "COCO's 17 points", "BODY_25": "BODY_25", "whole body": "133 points"}
    assert said[name] in report.replace("person in all", "people in all")
    if name in ("BODY_25", "whole body"):
        assert np.allclose(part(text_of({"pose_keypoints_2d": numbers}), "foot_keypoints_2d")[0][:, :2], FEET[:, :2], atol=0.01)  # fmt: skip  # noqa: E501
    if name == "whole body":
        for hand, points in zip(("left", "right"), HANDS, strict=True):
            there, _ = part(text_of({"pose_keypoints_2d": numbers}), f"hand_{hand}_keypoints_2d")
            assert np.allclose(there[:, :2], points[:, :2], atol=0.01)


def test_openposes_own_file_is_read_with_a_canvas_that_holds_it():
    """25 points, scores, hands and face lists that are empty, 3D lists, and no canvas: its --write_json."""
    person = {"person_id": [-1], "pose_keypoints_2d": body_25().round(3).ravel().tolist(), "face_keypoints_2d": [],
              "hand_left_keypoints_2d": [], "hand_right_keypoints_2d": [], "pose_keypoints_3d": []}  # fmt: skip
    text = json.dumps({"version": 1.3, "people": [person]})
    frames, report = poses_from_json(text)
    assert "384x384 was assumed, which holds all points. Set width and height" in report and "BODY_25" in report
    assert map_of_poses(frames, 0, 0, {})[0].any()
    ((frame,), report) = poses_from_json(text, 640, 480)
    assert (frame["canvas_width"], frame["canvas_height"]) == (640, 480) and "assumed" not in report
    assert np.allclose(part(text, width=640, height=480)[0][:, :2], OPENPOSE[:, :2], atol=0.01)


@pytest.mark.parametrize("count", [68, 70, 72])
def test_faces_of_68_70_and_72_points(count):
    face = np.concatenate([FACE, FACE[68:]])[:count]
    found, report = part(text_of({"face_keypoints_2d": face.ravel().tolist()}), "face_keypoints_2d")
    least = min(count, 70)
    assert np.allclose(found[:least, :2], FACE[:least, :2], atol=0.01) and not found[least:].any()
    assert ("two more, which are left out" in report) == (count == 72)


@pytest.mark.parametrize("name", ["hand_left_keypoints_2d", "hand_right_keypoints_2d"])
def test_hands_alone(name):
    text = json.dumps({"canvas_width": WIDTH, "canvas_height": HEIGHT, name: HANDS[0].ravel().tolist()})
    for one in (text, text_of({name: HANDS[0].ravel().tolist(), "pose_keypoints_2d": None})):
        found, _ = part(one, name)
        assert np.allclose(found, HANDS[0], atol=0.01)
        assert map_of_poses(poses_from_json(one)[0], 0, 0, {})[0].any()


ALONE = np.reshape(OPENPOSE, (18, 3))
PAIRS = ALONE[:, :2].tolist()
WAYS = {
    "byte-order mark": lambda frame: "\ufeff" + json.dumps(frame),
    "[[frame]]": lambda frame: [[frame]],
    "[[[frame]], []]": lambda frame: [[[frame]], []],
    "null people": lambda frame: {**frame, "people": [None, *frame["people"], None]},
    "flat list of a person": lambda frame: {**frame, "people": [ALONE.ravel().tolist()]},
    "one person, no list": lambda frame: {**frame, "people": frame["people"][0]},
    "flat list alone": lambda frame: ALONE.ravel().tolist(),
    "list of points alone": lambda frame: ALONE.tolist(),
    "COCO's annotation": lambda frame: {"width": WIDTH, "height": HEIGHT, "keypoints": ALONE.ravel().tolist()},
    "pose editor": lambda frame: {"width": WIDTH, "height": HEIGHT, "keypoints": [PAIRS]},
    "MMPose": lambda frame: {
        "canvas_width": WIDTH,
        "canvas_height": HEIGHT,
        "instances": [{"keypoints": PAIRS, "keypoint_scores": ALONE[:, 2].tolist()}],
    },
    "MMPose's file": lambda frame: {
        "meta_info": {"dataset_name": "coco"},
        "instance_info": [{"frame_id": 1, "instances": [{"keypoints": PAIRS, "keypoint_scores": [1.0] * 18}]}],
    },
    "MMPose's predictions": lambda frame: {"predictions": [[{"keypoints": PAIRS, "keypoint_scores": [1.0] * 18}]]},
    "AlphaPose's bodies by picture": lambda frame: {
        "version": 0.1,
        "0.jpg": {"bodies": [{"joints": ALONE.ravel().tolist()}]},
    },
    "OpenPose's older file": lambda frame: {"version": 1.0, "people": [{"pose_keypoints": ALONE.ravel().tolist()}]},
    "Ultralytics": lambda frame: [
        {"name": "person", "keypoints": {"x": ALONE[:, 0].tolist(), "y": ALONE[:, 1].tolist(), "visible": [0.9] * 18}}
    ],
    "an object for each point": lambda frame: {
        "people": [{"pose_keypoints_2d": [{"x": x, "y": y, "score": score} for x, y, score in ALONE.tolist()]}]
    },
    "a frame in each line": lambda frame: "\n".join([json.dumps(frame)] * 3),
    "printed by Python": lambda frame: str([{**frame, "people": (None, *frame["people"])}]),
    "in a code block": lambda frame: f"```json\n{json.dumps(frame, indent=1)}\n```\n",
    "frames in a dictionary": lambda frame: {"frames": [frame, None]},
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_other_ways_to_write_it(write):
    written = write(json.loads(text_of({"pose_keypoints_2d": ALONE.ravel().tolist()})))
    text = written if isinstance(written, str) else json.dumps(written)
    assert np.allclose(part(text, width=WIDTH, height=HEIGHT)[0][:, :2], OPENPOSE[:, :2], atol=0.01)


def test_people_of_one_picture_are_one_frame():
    """COCO's results and AlphaPose name the picture of each person; networks' lists of people are of one."""
    person = {"keypoints": ALONE.ravel().tolist(), "score": 0.9}
    named = [{**person, "image_id": name} for name in ("a.jpg", "a.jpg", "b.jpg")]
    frames, report = poses_from_json(json.dumps(named), WIDTH, HEIGHT)
    assert [len(frame["people"]) for frame in frames] == [2, 1] and "of one picture" not in report
    for several in ([person, person], [ALONE.tolist(), ALONE.tolist()]):
        ((frame,), report) = poses_from_json(json.dumps(several), WIDTH, HEIGHT)
        assert len(frame["people"]) == 2 and "2 people stand in one list without frames" in report
    frames, _ = poses_from_json(json.dumps([[ALONE.tolist()] * 2, [ALONE.tolist()]]), WIDTH, HEIGHT)
    assert [len(frame["people"]) for frame in frames] == [2, 1]


def test_an_annotation_file_has_a_frame_for_each_picture():
    images = [{"id": 7, "width": 640, "height": 480}, {"id": 9, "width": 640, "height": 480}]
    people = [{"image_id": number, "keypoints": ALONE.ravel().tolist()} for number in (9, 9)]
    frames, _ = poses_from_json(json.dumps({"images": images, "annotations": people}))
    assert [(len(one["people"]), one["canvas_width"], one["canvas_height"]) for one in frames] == [(0, 640, 480), (2, 640, 480)]  # fmt: skip  # noqa: E501


def test_landmarks_of_mediapipe_are_a_body_and_feet():
    numbers = RNG.uniform(0.1, 0.9, (33, 2))
    landmarks = [{"x": x, "y": y, "z": -0.2, "visibility": 0.9} for x, y in numbers.tolist()]
    nose, wrists, toes = 0, (16, 15), (31, 32)  # of its 33 points; the right wrist is OpenPose's 4, the left its 7
    for written in (landmarks, {"landmarks": [landmarks]}, {"poseLandmarks": landmarks}):
        found, report = part(json.dumps(written), width=WIDTH, height=HEIGHT)
        expected = numbers[[nose, *wrists]] * [WIDTH, HEIGHT]
        assert np.allclose(found[[0, 4, 7], :2], expected, atol=0.01) and "MediaPipe's 33 points" in report
        feet, _ = part(json.dumps(written), "foot_keypoints_2d", width=WIDTH, height=HEIGHT)
        assert np.allclose(feet[[0, 3], :2], numbers[list(toes)] * [WIDTH, HEIGHT], atol=0.01)
        assert not feet[[1, 4]].any(), "it has no small toes"


@pytest.mark.parametrize("count", [26, 136])
def test_halpes_points(count):
    """COCO's 17, head, neck, hip, the toes and heels in pairs of left and right, then the face and the hands."""
    pairs = FEET[[0, 3, 1, 4, 2, 5]]
    points = np.concatenate([coco_17(), OPENPOSE[[0, 1, 8]], pairs, FACE[:68], *HANDS])[:count]
    text = text_of({"pose_keypoints_2d": points.ravel().tolist()})
    assert np.allclose(part(text)[0][:, :2], OPENPOSE[:, :2], atol=0.01)
    assert np.allclose(part(text, "foot_keypoints_2d")[0], FEET, atol=0.01)
    if count == 136:
        assert np.allclose(part(text, "hand_right_keypoints_2d")[0], HANDS[1], atol=0.01)


def test_points_that_are_null_are_not_found():
    points = [None if number == 4 else point for number, point in enumerate(ALONE.tolist())]
    found, _ = part(text_of({"pose_keypoints_2d": points}))
    assert not found[4].any() and np.allclose(np.delete(found, 4, 0), np.delete(OPENPOSE, 4, 0), atol=0.01)


@pytest.mark.parametrize("broken", ["null", "NaN", "Infinity", "0"])
def test_a_point_without_numbers_is_not_found(broken):
    numbers = [broken] * 3 + [str(value) for value in OPENPOSE.ravel()[3:]]
    text = text_of({"pose_keypoints_2d": []}).replace("[]", f"[{', '.join(numbers)}]")
    found, _ = part(text)
    assert not found[0].any() and np.allclose(found[1:], OPENPOSE[1:], atol=0.01)


def test_nobody_is_fine():
    for people in ([], None):
        ((frame,), report) = poses_from_json(json.dumps({"canvas_width": 64, "canvas_height": 64, "people": people}))
        assert frame["people"] == [] and "0 people" in report
    frames, report = poses_from_json(
        json.dumps([None, json.loads(text_of({"pose_keypoints_2d": OPENPOSE.ravel().tolist()}))])
    )
    assert [len(one["people"]) for one in frames] == [0, 1] and "2 poses, 1 person in all, canvas 384x512" in report


def test_shares_and_pixels_may_be_mixed_by_list_and_one_point_outside_changes_nothing():
    shares = OPENPOSE / [WIDTH, HEIGHT, 1]
    shares[4, :2] = 2.6, 0.5  # a wrist far outside of the picture
    hand = HANDS[0].ravel().tolist()
    text = text_of({"pose_keypoints_2d": shares.ravel().tolist(), "hand_left_keypoints_2d": hand})
    found, report = part(text)
    others = np.arange(18) != 4
    assert np.allclose(found[others, :2], OPENPOSE[others, :2], atol=0.01) and found[4, 0] == pytest.approx(2.6 * WIDTH)
    assert np.allclose(part(text, "hand_left_keypoints_2d")[0], HANDS[0], atol=0.01)
    assert "points of pose_keypoints_2d were given in 0 to 1" in report and "hand" not in report


def test_what_was_assumed_is_told_once_with_its_frames():
    plain, coco = ({"people": [{"pose_keypoints_2d": one.ravel().tolist()}]} for one in (OPENPOSE, coco_17()))
    _, report = poses_from_json(json.dumps([plain, *[coco] * 20]), WIDTH, HEIGHT)
    assert report.count("COCO's 17 points") == 1 and "(frames 1-20)" in report


def test_links_from_other_nodes_are_read_as_files_are():
    """comfyui_controlnet_aux gives null for a hand that was not found, and once gave shares of the canvas."""
    shares = (OPENPOSE / [WIDTH, HEIGHT, 1]).ravel().tolist()
    frame = {"canvas_width": WIDTH, "canvas_height": HEIGHT, "people": [{"pose_keypoints_2d": shares, "hand_left_keypoints_2d": None}]}  # fmt: skip  # noqa: E501
    maps, report = map_of_poses([frame], 0, 0, {})
    in_pixels = text_of({"pose_keypoints_2d": OPENPOSE.ravel().tolist()})
    expected, _ = map_of_poses(poses_from_json(in_pixels)[0], 0, 0, {})
    assert (maps != expected).any(-1).sum() < 0.01 * expected.any(-1).sum() and "now are in pixels" in report


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 450), name=st.sampled_from(list(PARTS)))
def test_a_list_of_another_length_is_refused_with_what_is_known(count, name):
    known = {"pose_keypoints_2d": (17, 18, 25, 26, 33, 133, 136), "face_keypoints_2d": (68, 70, 72), "foot_keypoints_2d": (6,)}.get(name, (21,))  # fmt: skip  # noqa: E501
    text = text_of({name: np.linspace(10, 300, count).tolist()})
    if count in {each * points for points in known for each in (2, 3)}:
        assert torch.isfinite(map_of_poses(poses_from_json(text)[0], 0, 0, {})[0]).all()
        return
    with pytest.raises(ValueError, match=f"frame 0, person 0, {name}: {count} numbers came in. Known are") as error:
        poses_from_json(text)
    assert all(str(points) in str(error.value) for points in known)


def of_one(value: str) -> str:
    return f'{{"canvas_width": 9, "canvas_height": 9, "people": [{{"pose_keypoints_2d": {value}}}]}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 50_000 + "]" * 50_000, "this cannot be read"),
        ("[" * 60 + "]" * 60, "lists lie in lists"),
        (of_one(f"[{'9' * 400}{', 1' * 53}]"), "a list of numbers is wanted"),
        (of_one(f"[{'9' * 5000}{', 1' * 53}]"), "this cannot be read"),
        ('{"people": [{"candidate": [1], "subset": [2]}]}', "none of its lists is known (candidate, subset)"),
        ('{"people": [', "line 1, column 13"),
        ('{"persons": []}', 'frame 0: it has no "people"'),
        ('{"animals": [{"keypoints": []}]}', 'frame 0: it has no "people"'),
        ("[]", "POSE_KEYPOINT frames are wanted"),
        ("[3]", 'frame 0: it has no "people"'),
        ("3", "POSE_KEYPOINT frames are wanted"),
        (of_one("[1, 2]"), "2 numbers came in. Known are 17, 18, 25, 26, 33, 133 or 136"),
        (of_one('"1, 2"'), "a list of numbers is wanted"),
        (of_one("[[1, 2], [3]]"), "a list of numbers is wanted"),
        ('{"canvas_width": 9, "canvas_height": 9, "people": 3}', '"people" is int'),
        ('{"canvas_width": 9, "canvas_height": 9, "people": ["Ann"]}', "person 0: a dictionary of lists"),
        ("", "it is empty. Paste"),
        ("poses/one.json", "not the name of a file"),
        ('{"canvas_width": -9, "canvas_height": 9, "people": []}', "canvas is -9x9"),
        ('{"canvas_width": "wide", "canvas_height": 9, "people": []}', "canvas_width is 'wide'"),
        (
            '{"people": []}',
            "frame 0: it has no canvas_width and canvas_height, so it does not say how large its canvas is",
        ),
        (
            json.dumps({"people": [{"pose_keypoints_2d": [0.5, 0.25, 1.0] + [0] * 51}]}),
            "its points are shares of it. Set width and height",
        ),
    ],
)
def test_what_is_no_pose_is_told(text, words):
    with pytest.raises(ValueError, match="Poses from JSON") as error:
        poses_from_json(text)
    assert words in str(error.value)
