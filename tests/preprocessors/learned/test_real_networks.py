"""Trained networks on real photographs: HED, BlazePose, the face mesh and the selfie segmentation."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import real_mlsd
import real_weights
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map, make_map
from armature_pack.preprocessors.filters import in_steps
from armature_pack.preprocessors.registry import find_method
from PIL import Image


@pytest.fixture
def hed(annotators):
    shutil.copy(real_weights.hed_weights(), annotators)
    return annotators


@pytest.fixture
def tflite(annotators):
    real_weights.litert()
    for file in real_weights.mediapipe_files().iterdir():
        shutil.copy(file, annotators)
    return annotators


def test_hed_is_that_of_controlnet_aux_within_one_level(hed, astronaut):
    real_weights.controlnet_aux()
    picture = torch.nn.functional.interpolate(astronaut.movedim(-1, 1), (192, 192), mode="area").movedim(1, -1)
    pixels = (picture[0] * 255).round().byte().numpy()
    detector = controlnet_aux("test", "hed").HEDdetector.from_pretrained(str(hed))
    expected = np.asarray(detector(Image.fromarray(pixels), detect_resolution=192, image_resolution=192))
    maps, _ = control_map(find_method("softedge_hed"), torch.from_numpy(pixels)[None] / 255, {})
    # Theirs cuts the fraction off, ours keeps it.
    difference = maps[0].numpy() * 255 - expected
    assert difference.min() > -0.01 and difference.max() < 1.01
    strokes = np.asarray(detector(Image.fromarray(pixels), detect_resolution=192, image_resolution=192, scribble=True))
    ours, _ = control_map(find_method("scribble_hed"), torch.from_numpy(pixels)[None] / 255, {})
    assert np.mean((ours[0].numpy() > 0.5) != (strokes > 127)) < 0.005, "their blur rounds to whole levels"


def test_hed_of_any_size_and_batch(hed, small):
    entry = find_method("softedge_hed")
    batch = torch.cat([small, small.flip(2)])
    maps, report = control_map(entry, batch, {})
    assert maps.shape == batch.shape and "2 maps" in report
    assert torch.allclose(maps[1:], control_map(entry, batch[1:], {})[0], atol=1e-5)
    assert maps.mean() < 0.5 < maps.max(), "white on black"
    safe, _ = control_map(entry, batch, {"safe": True})
    assert torch.equal(safe, in_steps(maps)) and set(safe.unique().tolist()) <= {0.0, 0.5, 1.0}


def test_the_network_is_loaded_once_and_freed_by_the_host(hed, small):
    import comfy.model_management as management
    from armature_pack.preprocessors import network

    entry = find_method("softedge_hed")
    first, _ = control_map(entry, small, {})
    (kept,) = network._loaded.values()
    assert any(loaded.model is kept for loaded in management.current_loaded_models)
    management.unload_all_models()
    again, _ = control_map(entry, small, {})
    assert torch.equal(first, again) and list(network._loaded.values()) == [kept]


def test_blazepose_finds_the_astronaut(tflite, astronaut):
    made = make_map(find_method("blazepose"), astronaut, {})
    (frame,) = made.poses
    assert frame["canvas_width"] == frame["canvas_height"] == 512 and len(frame["people"]) == 1
    body = np.reshape(frame["people"][0]["pose_keypoints_2d"], (18, 3))
    # Measured by hand in the picture: nose, both eyes, both shoulders.
    for point, place, within in ((0, (223, 122), 12), (14, (204, 101), 12), (15, (247, 103), 12), (2, (102, 232), 45), (5, (310, 245), 45)):  # fmt: skip  # noqa: E501
        assert np.hypot(*(body[point, :2] - place)) < within, point
    assert "People found: 1." in made.report and made.maps.max() == 1


def test_poses_are_in_the_pixels_of_the_picture_at_any_resolution(tflite, astronaut):
    entry = find_method("blazepose")
    native = make_map(entry, astronaut, {})
    smaller = make_map(entry, astronaut, {}, resolution_mode="short_side", resolution=256)
    assert smaller.poses[0]["canvas_width"] == 512 and smaller.maps.shape == astronaut.shape
    ours, theirs = (np.reshape(made.poses[0]["people"][0]["pose_keypoints_2d"], (18, 3)) for made in (native, smaller))
    sure = ours[:, 2] > 0.9
    assert np.abs(ours[sure, :2] - theirs[sure, :2]).max() < 16


def test_nobody_is_told(tflite):
    made = make_map(find_method("blazepose"), torch.full((1, 96, 96, 3), 0.5), {})
    assert made.poses[0]["people"] == [] and "Nobody in picture 0" in made.report and "blank" in made.report


def test_the_face_is_drawn_in_the_colours_of_its_nets(tflite, astronaut):
    maps, report = control_map(find_method("mediapipe_face"), astronaut, {})
    assert "Faces found: 1." in report
    colours = {tuple(colour) for colour in (maps[0] * 255).round().int().reshape(-1, 3).unique(dim=0).tolist()}
    assert {(10, 200, 10), (180, 200, 10), (10, 200, 180), (10, 180, 10), (0, 0, 0)} <= colours
    right_eye = ((maps[0] * 255).round().int() == torch.tensor([180, 200, 10])).all(-1).nonzero().float().mean(0)
    assert np.hypot(float(right_eye[1]) - 204, float(right_eye[0]) - 101) < 12
    oval = ((maps[0] * 255).round().int() == torch.tensor([10, 200, 10])).all(-1).nonzero()
    assert oval[:, 0].min() > 40 and oval[:, 0].max() < 220 and oval[:, 1].min() > 140 and oval[:, 1].max() < 310


def test_the_person_is_white_and_the_background_black(tflite, astronaut):
    maps, report = control_map(find_method("person_mask"), astronaut, {})
    assert maps[0, 400, 250, 0] == 1 and maps[0, 100, 220, 0] == 1 and maps[0, 40, 40, 0] == 0 and "is person" in report
    soft, _ = control_map(find_method("person_mask"), astronaut, {"threshold": 0.0})
    assert len(soft.unique()) > 100


def test_mlsd_finds_the_straight_lines_of_a_photograph(annotators):
    shutil.copy(real_mlsd.mlsd_weights(), annotators)
    from skimage import data

    picture = torch.from_numpy(data.rocket()).float().div(255)[None]
    maps, report = control_map(find_method("mlsd"), picture, {"score_threshold": 0.2})
    assert maps.shape == picture.shape and set(maps.unique().tolist()) == {0.0, 1.0} and "M-LSD" in report
    detector = controlnet_aux("test", "mlsd").MLSDdetector.from_pretrained(str(annotators))
    # A size that the reference leaves alone.
    square = torch.nn.functional.interpolate(picture.movedim(-1, 1), (384, 576), mode="area").movedim(1, -1)
    pixels = (square[0] * 255).round().byte().numpy()
    expected = np.asarray(detector(Image.fromarray(pixels), detect_resolution=384, image_resolution=384))
    ours, _ = control_map(find_method("mlsd"), torch.from_numpy(pixels)[None] / 255, {})
    assert expected.shape == tuple(ours.shape[1:]) and (expected > 0).sum() > 2000
    assert np.mean((ours[0].numpy() > 0.5) != (expected > 127)) < 0.002


def test_a_damaged_file_is_named(annotators, small):
    (annotators / "ControlNetHED.pth").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"(?s)ControlNetHED\.pth cannot be read.*fetch softedge_hed") as error:
        control_map(find_method("softedge_hed"), small, {})
    assert "Traceback" not in str(error.value)


def test_weights_of_another_network_are_named(annotators, small):
    torch.save({"conv.weight": torch.zeros(3)}, annotators / "ControlNetHED.pth")
    with pytest.raises(ValueError, match="holds weights of another network"):
        control_map(find_method("softedge_hed"), small, {})
