"""Aligning poses: a known scale and shift is found again, and what cannot be compared is refused by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from armature_pack.preprocessors.pose.alignment import align_poses
from armature_pack.preprocessors.pose.example_poses import example_poses
from hypothesis import given, settings
from hypothesis import strategies as st


def body(frame) -> np.ndarray:
    return np.asarray(frame["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)


def transformed(frame, scale: float, shift: tuple[float, float], canvas: tuple[int, int]):
    frame = copy.deepcopy(frame)
    points = body(frame)
    points[points[:, 2] > 0, :2] = points[points[:, 2] > 0, :2] * scale + shift
    frame["people"][0]["pose_keypoints_2d"] = points.ravel().tolist()
    return {**frame, "canvas_height": canvas[0], "canvas_width": canvas[1]}


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.3, 3), x=st.floats(-200, 300), y=st.floats(-200, 300))
def test_a_clip_that_was_scaled_and_moved_comes_back(scale, x, y):
    standing = example_poses("wave", 1)
    reference = transformed(standing[0], scale, (x, y), (1024, 576))
    (first, aligned), report = align_poses(standing, [reference])
    assert np.allclose(body(aligned), body(reference), atol=0.05)
    told = float(report.partition("scaled by ")[2].split()[0])  # rounded, either way where it lies in the middle
    assert first["canvas_width"] == aligned["canvas_width"] == 576 and abs(told - scale) < 6e-4


def test_the_reference_stands_in_front_and_the_stride_thins_the_clip():
    clip, reference = example_poses("wave", 9), example_poses("astronaut", 1)
    aligned, _ = align_poses(clip, reference, stride=2)
    assert len(aligned) == 6 and np.allclose(body(aligned[0]), body(reference[0]))
    assert len(align_poses(clip, reference, reference_first=False)[0]) == 9
    # every face ends up near the reference's
    assert all(np.linalg.norm(body(frame)[0, :2] - body(reference[0])[0, :2]) < 30 for frame in aligned)


def test_hands_and_face_move_along_and_points_that_were_not_found_stay_so():
    clip = example_poses("wave", 1)
    clip[0]["people"][0]["hand_left_keypoints_2d"][:3] = [250.0, 20.0, 1.0]
    aligned, _ = align_poses(clip, example_poses("astronaut", 1))
    hand = np.asarray(aligned[1]["people"][0]["hand_left_keypoints_2d"]).reshape(-1, 3)
    scale = (body(aligned[1])[2, 0] - body(aligned[1])[5, 0]) / (152 - 232)
    assert np.allclose(
        hand[0, :2] - body(aligned[1])[0, :2], (np.array([250, 20]) - body(clip[0])[0, :2]) * scale, atol=0.1
    )
    assert not hand[1:].any()


def test_the_poses_that_came_in_are_not_changed():
    clip, reference = example_poses("wave", 2), example_poses("astronaut", 1)
    before = copy.deepcopy((clip, reference))
    align_poses(clip, reference)
    assert (clip, reference) == before


def test_frames_with_other_people_are_left_out_of_the_fit_but_moved():
    clip = example_poses("wave", 2)
    crowded = {**clip[0], "people": [transformed(clip[0], 5, (0, 0), (512, 384))["people"][0], clip[0]["people"][0]]}
    alone, _ = align_poses(clip[1:], example_poses("astronaut", 1))
    both, _ = align_poses([crowded, clip[1]], example_poses("astronaut", 1))
    assert np.allclose(body(both[2]), body(alone[1])) and len(both[1]["people"]) == 2


@pytest.mark.parametrize(
    ("poses", "reference", "words"),
    [
        (None, example_poses("astronaut", 1), "input poses: POSE_KEYPOINT frames are wanted"),
        ([], example_poses("astronaut", 1), "input poses"),
        ([{"people": []}], example_poses("astronaut", 1), "frame 0: it has no canvas_width"),
        (example_poses("wave", 1), [{"canvas_width": 9, "canvas_height": 9, "people": []}], "nobody was found"),
        ([{"canvas_width": 9, "canvas_height": 9, "people": []}], example_poses("wave", 1), "share too few points"),
        (
            [{"canvas_width": 9, "canvas_height": 9, "people": [{"pose_keypoints_2d": [1, 2, float("nan")]}]}],
            example_poses("wave", 1),
            "numbers came in",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(poses, reference, words):
    with pytest.raises(ValueError, match="Align Poses") as error:
        align_poses(poses, reference)
    assert words in str(error.value)


@pytest.mark.parametrize(("name", "frames"), [("dance", 1), ("wave", 0), ("wave", 1000)])
def test_example_poses_refuse_what_they_do_not_have(name, frames):
    with pytest.raises(ValueError, match="Example Poses"):
        example_poses(name, frames)
