"""Poses are drawn as ComfyUI's and DWPose's own drawing have them, at any size."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
import torch
from armature_pack.models.control.fit import fit_control_image
from armature_pack.preprocessors.images.tags import tag_of
from armature_pack.preprocessors.options import resolved
from armature_pack.preprocessors.pose.drawing import COLOURS, DRAWING_OPTIONS, HAND_BONES, LIMBS, widths_of
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.pose.people import map_of_poses
from armature_pack.preprocessors.pose.reading import read_frames


def whole_body() -> list[dict]:
    """The example figure with hands, a face and feet."""
    (frame,) = example_poses("wave", 1)
    person = frame["people"][0]
    spread = np.stack([np.linspace(0, 40, 21), 20 * np.sin(np.arange(21))], 1)
    for part, (x, y) in (("hand_left_keypoints_2d", (300, 70)), ("hand_right_keypoints_2d", (40, 260))):
        person[part] = np.column_stack([spread + np.array([x, y]), np.ones(21)]).ravel().tolist()
    face = np.random.default_rng(0).uniform((175, 75), (210, 110), (70, 2))
    # ComfyUI draws 68 points of a face; the last two are the pupils.
    person["face_keypoints_2d"] = np.column_stack([face, np.arange(70) < 68]).ravel().tolist()
    person["foot_keypoints_2d"] = np.ravel([(x, 470, 1) for x in (230, 235, 215, 150, 145, 165)]).tolist()
    return [frame]


def host_drawing(poses: list[dict], **parts: bool) -> np.ndarray:
    from comfy_extras.nodes_sdpose import KeypointDraw

    (frame,) = read_frames(poses, "test")
    (one,) = frame["people"]
    parts_in_order = ("pose", "foot", "face", "hand_right", "hand_left")
    points = np.concatenate([one[f"{part}_keypoints_2d"][:68] for part in parts_in_order])
    canvas = np.zeros((512, 384, 3), np.uint8)
    return KeypointDraw().draw_wholebody_keypoints(canvas, points[:, :2], points[:, 2], 0.3, **parts)


@pytest.mark.parametrize("feet", [False, True])
def test_full_brightness_is_the_hosts_drawing(feet):
    poses = whole_body()
    maps, report = map_of_poses(poses, 0, 0, {"brightness": "full", "feet": feet})
    expected, ours = host_drawing(poses, draw_feet=feet), (maps[0].numpy() * 255).round()
    different = (np.abs(ours - expected) > 2).any(-1).sum()
    assert different <= 0.001 * (expected > 0).any(-1).sum()
    assert "1 map of 384x512. People found: 1." in report


def test_limbs_are_darker_in_the_maps_of_openpose_and_dwpose():
    maps, _ = map_of_poses(example_poses("wave", 1), 0, 0, {})
    shown = (maps[0] * 255).round().int()
    # The middle of the right thigh (hip 168, 270 to knee 164, 366) and the knee itself.
    assert shown[318, 166].tolist() == [int(0.6 * value) for value in COLOURS[7]]
    assert shown[366, 164].tolist() == list(COLOURS[9])


def test_the_figure_is_openposes():
    assert len(LIMBS) == 17 and len(COLOURS) == 18 and len(HAND_BONES) == 20
    # One-based, as OpenPose writes them.
    named = [(first + 1, second + 1) for first, second in LIMBS]
    assert named == [(2, 3), (2, 6), (3, 4), (4, 5), (6, 7), (7, 8), (2, 9), (9, 10), (10, 11), (2, 12), (12, 13), (13, 14), (2, 1), (1, 15), (15, 17), (1, 16), (16, 18)]  # fmt: skip  # noqa: E501
    assert HAND_BONES[:6] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6))


@pytest.mark.parametrize(
    ("asked", "given"), [((768, 1024), (1024, 768)), ((192, 0), (256, 192)), ((0, 1024), (1024, 768))]
)
def test_any_size_is_drawn_and_not_enlarged(asked, given):
    poses = example_poses("wave", 1)
    maps, _ = map_of_poses(poses, *asked, {})
    assert tuple(maps.shape[1:3]) == given
    scale = given[0] / 512
    knee = (round(366 * scale), round(164 * scale))
    assert (maps[0][knee] * 255).round().int().tolist() == list(COLOURS[9])
    row = (maps[0, round(318 * scale)].amax(-1) > 0)[: round(180 * scale)]
    assert 7 <= int(row.sum()) <= 11, "limbs stay 4 pixels to each side"


def test_drawn_poses_are_known_as_poses_from_then_on():
    """As the maps of BlazePose and its like: fit and check read the kind, and do not guess it from a figure that is small."""
    maps, _ = map_of_poses(example_poses("wave", 1), 64, 0, {})
    assert tag_of(maps) == "openpose"
    assert "was made as openpose" in fit_control_image(maps, "pad", "auto", 128, 128, None).report


def test_lines_grow_where_asked():
    scaled, _ = map_of_poses(example_poses("wave", 1), 1536, 2048, {"line_width": "scaled"})
    row = (scaled[0, 318 * 4].amax(-1) > 0)[: 180 * 4]
    assert 23 <= int(row.sum()) <= 28, "12 pixels to each side, where 4 are right at 512"
    assert widths_of("xinsir", (1024, 1024)).limb == 12 and widths_of("xinsir", (400, 400)).limb == 4
    assert widths_of("scaled", (1024, 2048)).limb == 8 and widths_of("classic", (4096, 4096)).limb == 4


@pytest.mark.parametrize("part", ["body", "head", "hands", "face"])
def test_each_part_can_be_left_out(part):
    everything, _ = map_of_poses(whole_body(), 0, 0, {})
    without, _ = map_of_poses(whole_body(), 0, 0, {part: False})
    assert 0 < (without > 0).sum() < (everything > 0).sum()


def test_uncertain_points_are_left_out_and_nobody_is_told():
    poses = example_poses("wave", 2)
    for values in (poses[0]["people"][0]["pose_keypoints_2d"],):
        values[2::3] = [0.2] * 18
    poses[1]["people"] = []
    maps, report = map_of_poses(poses, 0, 0, {})
    assert maps[0].max() == 0 and maps[1].max() == 0 and "Nobody in picture 1" in report
    assert "People found: 0, 0." in report
    assert "Not drawn: 1 person in picture 0: no point reaches the threshold 0.3 (the surest has 0.20)." in report
    assert map_of_poses(poses, 0, 0, {"threshold": 0.1})[0][0].max() == 1


def shifted(frame: dict, right: float) -> dict:
    """The frame with every body `right` pixels further right."""
    frame = copy.deepcopy(frame)
    for person in frame["people"]:
        body = np.reshape(person["pose_keypoints_2d"], (18, 3))
        body[:, 0] += right
        person["pose_keypoints_2d"] = body.ravel().tolist()
    return frame


@pytest.mark.parametrize(
    ("right", "options", "words"),
    [
        (900, {}, "People found: 0. Not drawn: 1 person in picture 0: all points lie outside the picture."),
        (
            0,
            {"body": False, "head": False},
            "People found: 0. Not drawn: 1 person in picture 0: the options leave out all",
        ),
        (0, {"threshold": 1.0}, "People found: 1."),
        (-230, {}, "People found: 1."),  # an arm is left of them
    ],
)
def test_only_who_is_to_be_seen_is_counted(right, options, words):
    maps, report = map_of_poses([shifted(example_poses("wave", 1)[0], right)], 0, 0, options)
    assert words in report and bool(maps.any()) == ("People found: 1" in report)


def test_a_limb_across_the_picture_is_a_person():
    body = np.zeros((18, 3))
    body[[2, 3]] = (-50, 60, 1), (200, 60, 1)  # upper arm
    frame = {"canvas_width": 100, "canvas_height": 100, "people": [{"pose_keypoints_2d": body.ravel().tolist()}]}
    maps, report = map_of_poses([frame], 0, 0, {})
    assert maps.any() and "People found: 1." in report


def test_a_clip_is_told_in_one_line():
    clip = [
        shifted(frame, 900 if number in (0, 1, 2, 7) else 0) for number, frame in enumerate(example_poses("wave", 40))
    ]
    _, report = map_of_poses(clip, 0, 0, {})
    assert "Not drawn: 4 people in picture 0-2, 7: all points lie outside" in report and len(report) < 300


def test_figures_that_are_stretched_are_told():
    (frame,) = example_poses("wave", 1)
    other = {**frame, "canvas_width": 512}
    maps, report = map_of_poses([frame, other, {**frame, "canvas_width": 768, "canvas_height": 1024}], 0, 0, {})
    assert maps.shape[1:3] == (512, 384) and "Picture 0" not in report
    assert (
        "Picture 1 has a canvas of 512x512 and was stretched to 384x512, its width by 0.75 and its height by 1.00."
        in report
    )
    assert "Picture 2 has a canvas of 768x1024 and was scaled by 0.50." in report
    _, report = map_of_poses([frame], 512, 512, {})
    assert "was stretched to 512x512, its width by 1.33" in report and "Set width or height to 0" in report
    for width, height in ((768, 1024), (192, 0), (0, 0), (383, 512)):
        assert "stretched" not in map_of_poses([frame], width, height, {})[1]


def test_without_opencv_the_figures_are_the_same_but_for_their_rims(monkeypatch):
    with_opencv, _ = map_of_poses(whole_body(), 0, 0, {"feet": True})
    monkeypatch.setitem(sys.modules, "cv2", None)
    without, report = map_of_poses(whole_body(), 0, 0, {"feet": True})
    different = (with_opencv != without).any(-1).sum() / with_opencv.any(-1).sum()
    assert different < 0.06 and "OpenCV is not installed, so pixels at the rims differ" in report


def test_people_partly_outside_the_canvas_are_cut_off():
    poses = example_poses("wave", 1)
    values = np.reshape(poses[0]["people"][0]["pose_keypoints_2d"], (18, 3))
    values[:, 0] -= 190
    poses[0]["people"][0]["pose_keypoints_2d"] = values.ravel().tolist()
    maps, _ = map_of_poses(poses, 0, 0, {})
    assert maps.shape == (1, 512, 384, 3) and maps.max() > 0 and torch.isfinite(maps).all()


def test_options_are_checked_by_name():
    with pytest.raises(ValueError, match=r"Draw Poses, option brightness: .bright. is not one of dwpose, full"):
        map_of_poses(example_poses("wave", 1), 0, 0, {"brightness": "bright"})
    with pytest.raises(ValueError, match="POSE_KEYPOINT frames are wanted"):
        map_of_poses(None, 0, 0, {})
    assert resolved("x", DRAWING_OPTIONS, {})["threshold"] == 0.3
