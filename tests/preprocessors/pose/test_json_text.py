"""Poses as text and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.pose.json_text import poses_from_json, poses_to_json


def test_there_and_back():
    poses = example_poses("wave", 3)
    again, report = poses_from_json(poses_to_json(poses))
    assert len(again) == 3 and "3 poses, 3 people in all, canvas 384x512" in report
    for first, second in zip(poses, again, strict=True):
        ours, theirs = (np.array(one["people"][0]["pose_keypoints_2d"]) for one in (first, second))
        assert np.allclose(ours, theirs, atol=0.006)


def test_openposes_own_file_needs_a_canvas():
    text = json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": [100, 50, 0.9] + [0] * 51}]})
    with pytest.raises(ValueError, match="frame 0: it does not say how large its canvas is"):
        poses_from_json(text)
    ((frame,), _) = poses_from_json(text, 640, 480)
    assert (frame["canvas_width"], frame["canvas_height"]) == (640, 480)
    assert frame["people"][0]["pose_keypoints_2d"][:3] == pytest.approx([100, 50, 0.9])


def test_shares_become_pixels_and_that_is_told():
    text = json.dumps({"canvas_width": 400, "canvas_height": 200, "people": [{"pose_keypoints_2d": [0.5, 0.25, 1.0] + [0] * 51}]})  # fmt: skip  # noqa: E501
    ((frame,), report) = poses_from_json(text)
    assert frame["people"][0]["pose_keypoints_2d"][:3] == [200, 50, 1] and "now are in pixels" in report


def test_nobody_is_fine():
    ((frame,), report) = poses_from_json('{"canvas_width": 64, "canvas_height": 64, "people": []}')
    assert frame["people"] == [] and "0 people" in report


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "this is no JSON"),
        ('{"people": [', "line 1, column 13"),
        ('{"persons": []}', 'frame 0: it has no "people"'),
        ("[]", "POSE_KEYPOINT frames are wanted"),
        ("[3]", 'frame 0: it has no "people"'),
        ('{"canvas_width": 9, "canvas_height": 9, "people": [{"pose_keypoints_2d": [1, 2]}]}', "at most 18 points"),
        ('{"canvas_width": -9, "canvas_height": 9, "people": []}', "canvas is -9x9"),
    ],
)
def test_what_is_no_pose_is_told(text, words):
    with pytest.raises(ValueError, match="Poses from JSON") as error:
        poses_from_json(text)
    assert words in str(error.value)
