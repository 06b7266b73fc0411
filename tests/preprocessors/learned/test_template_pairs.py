"""Our maps against the photographs and maps that come with ComfyUI's own templates: what other tools made of them."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import real_weights
import torch
from armature_pack.preprocessors.control_map import control_map, make_map
from armature_pack.preprocessors.images.map_check.check_maps import check_maps
from armature_pack.preprocessors.pose.drawing import COLOURS, LIMBS
from armature_pack.preprocessors.registry import find_method
from PIL import Image

cv2 = pytest.importorskip("cv2")
PACKAGES = ("image", "other", "assets_01")
# (photograph, canny map): the pictures were drawn from the maps, so they follow them closely, not to the pixel.
CANNY = [
    ("flux_canny_model_example-1", "flux_canny_model_example-2", 0.6),
    ("sd3.5_large_canny_controlnet_example-1", "sd3.5_large_canny_controlnet_example-2", 0.2),
]
POSE = [
    ("utility_sdpose_ood_image_to_pose-2", "utility_sdpose_ood_image_to_pose-1"),
    ("utility_sdpose_ood_video_to_pose_map-2", "utility_sdpose_ood_video_to_pose_map-1"),
]
DEPTH = (
    "sd3.5_large_depth-2", "flux_depth_lora_example-2", "image_lotus_depth_v1_1-2",
    "utility_depth_anything3_image_depth_estimation-1", "image_anima_lllite_depth_control_to_image-2",
)  # fmt: skip


def picture(name: str) -> torch.Tensor:
    """A template's picture as IMAGE [1,H,W,3], the first frame of a moving one; skips the test where it is not there."""
    for package in PACKAGES:
        found = importlib.util.find_spec(f"comfyui_workflow_templates_media_{package}")
        for folder in found.submodule_search_locations or [] if found else []:
            path = Path(folder) / "templates" / f"{name}.webp"
            if path.is_file():
                return torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy())[None] / 255
    pytest.skip(f"the installed template packages have no {name}")


def distance_from(lines: np.ndarray) -> np.ndarray:
    """How many pixels each pixel is away from the nearest line."""
    return cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, 5)


@pytest.mark.parametrize(("photo", "lines", "beyond"), CANNY, ids=[one[0] for one in CANNY])
def test_canny_finds_the_lines_of_their_canny_map(photo, lines, beyond):
    theirs = picture(lines)[0, ..., 0].numpy() > 0.5
    maps, _ = control_map(find_method("canny"), picture(photo), {"low_threshold": 50, "high_threshold": 100})
    away = distance_from(maps[0, ..., 0].numpy() > 0.5)
    near, by_chance = ((away[where] <= 3).mean() for where in (theirs, np.roll(theirs, (137, 91), (0, 1))))
    assert near > 0.85 and near > by_chance + beyond


@pytest.mark.parametrize(("photo", "lines"), [one[:2] for one in CANNY], ids=[one[0] for one in CANNY])
def test_hed_is_bright_on_the_lines_of_their_canny_map(annotators, photo, lines):
    shutil.copy(real_weights.hed_weights(), annotators)
    theirs = picture(lines)[0, ..., 0].numpy() > 0.5
    maps, _ = control_map(find_method("softedge_hed"), picture(photo), {}, resolution_mode="short_side", resolution=320)
    edges = maps[0, ..., 0].numpy()
    assert edges[theirs].mean() > 1.25 * edges[~theirs].mean()


@pytest.fixture
def tflite(annotators):
    real_weights.litert()
    for file in real_weights.mediapipe_files().iterdir():
        shutil.copy(file, annotators)


@pytest.mark.parametrize(("photo", "pose"), POSE, ids=[one[0] for one in POSE])
def test_blazepose_stands_as_their_pose_map_in_the_same_colours(tflite, photo, pose):
    theirs = (picture(pose)[0] * 255).numpy()
    made = make_map(find_method("blazepose"), picture(photo), {})
    assert "People found: 1." in made.report
    away = distance_from(made.maps[0].amax(-1).numpy() > 0.2)
    drawn = theirs.max(-1) > 100
    assert (away[drawn] <= 20).mean() > 0.8, "their figure lies where ours does"
    body = np.reshape(made.poses[0]["people"][0]["pose_keypoints_2d"], (18, 3))
    alike = [
        same_colour(theirs, body[list(ends), :2].mean(0), COLOURS[number]) for number, ends in enumerate(LIMBS[:12])
    ]
    seen = [one for one in alike if one is not None]
    assert len(seen) >= 8 and np.mean(seen) > 0.8, "left is left and right is right"


def same_colour(theirs: np.ndarray, middle: np.ndarray, colour: tuple[int, int, int]) -> bool | None:
    """Whether `colour` is drawn around the middle of a limb; None where nothing is."""
    x, y = (int(value) for value in middle)
    around = theirs[max(0, y - 14) : y + 15, max(0, x - 14) : x + 15].reshape(-1, 3)
    bright = around[around.max(-1) > 100]
    if not len(bright):
        return None
    hues = bright / bright.max(-1, keepdims=True)
    return bool((np.abs(hues - np.array(colour) / max(colour)).max(-1) < 0.35).any())


def test_the_person_mask_holds_all_of_their_figure(tflite):
    theirs = picture(POSE[0][1])[0].amax(-1).numpy() > 0.4
    maps, _ = control_map(find_method("person_mask"), picture(POSE[0][0]), {})
    mask = maps[0, ..., 0].numpy() > 0.5
    assert mask[theirs].mean() > 0.97 and mask.mean() < 0.5


@pytest.mark.parametrize("name", DEPTH)
def test_their_depth_maps_have_our_polarity(name):
    """What stands in front lies lower in all of these pictures: near is white with them as with us."""
    depth = picture(name)
    assert depth[0, -40:].mean() > depth[0, :40].mean() + 0.2
    normal, _ = control_map(find_method("normal_from_depth"), depth, {"background": 0.0})
    assert normal[0, ..., 2].median() > 0.5 and normal[0, -40:, :, 1].mean() > 0.5, "the ground looks up: green"


@pytest.mark.parametrize(
    ("name", "kind"), [(CANNY[0][1], "canny"), (POSE[1][1], "openpose"), *((name, "depth") for name in DEPTH[:4])]
)
def test_their_maps_are_recognised(name, kind):
    assert check_maps(picture(name)).kind == kind
