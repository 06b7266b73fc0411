"""The maps that ControlNeXt's released weights were trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.canny import CANNY
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.swap_red_blue import SWAP_RED_BLUE
from armature_pack.preprocessors.viridis import DEPTH_TO_VIRIDIS
from skimage import data


def ramp() -> torch.Tensor:
    return torch.linspace(0, 1, 256).reshape(1, 1, 256, 1).expand(1, 8, 256, 3).contiguous()


def test_near_is_the_first_colour_of_viridis_and_far_the_last():
    maps, _ = control_map(DEPTH_TO_VIRIDIS, ramp(), {})
    far, near = (maps[0, 0, 0] * 255).round().int().tolist(), (maps[0, 0, -1] * 255).round().int().tolist()
    assert near == [68, 1, 84] and far == [253, 231, 37]  # the published ends of the colour map
    assert torch.allclose(control_map(DEPTH_TO_VIRIDIS, ramp(), {"near": "black"})[0], maps.flip(2), atol=1e-3)


def test_the_colours_between_are_monotone_in_lightness():
    maps, _ = control_map(DEPTH_TO_VIRIDIS, ramp(), {})
    lightness = maps[0, 0] @ torch.tensor([0.299, 0.587, 0.114])
    assert bool((lightness.diff() < 1 / 255).all()) and bool((lightness[:-8] > lightness[8:]).all())


def test_black_is_no_depth_where_asked():
    maps, _ = control_map(DEPTH_TO_VIRIDIS, ramp(), {"black_is_empty": True})
    whole, _ = control_map(DEPTH_TO_VIRIDIS, ramp(), {})
    assert torch.equal(maps[:, :, 0], whole[:, :, -1]) and torch.equal(maps[:, :, 1:], whole[:, :, 1:])


def test_a_photograph_is_no_depth_map_and_the_report_says_so():
    assert "no grey depth map" in control_map(DEPTH_TO_VIRIDIS, example_picture("coffee"), {})[1]
    assert "no grey depth map" not in control_map(DEPTH_TO_VIRIDIS, ramp(), {})[1]


def test_red_and_blue_change_places_and_back():
    image = example_picture("coffee")
    swapped, _ = control_map(SWAP_RED_BLUE, image, {})
    assert torch.equal(swapped, image[..., [2, 1, 0]])
    assert torch.equal(control_map(SWAP_RED_BLUE, swapped, {})[0], image)


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea", "rocket", "retina", "noise"])
def test_median_canny_is_the_extractor_of_the_weights_to_the_pixel(name):
    cv2 = pytest.importorskip("cv2")
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    photo = noise if name == "noise" else getattr(data, name)()
    image = torch.from_numpy(photo.copy()).float().div(255).unsqueeze(0)
    grey = cv2.cvtColor((image[0] * 255).round().numpy().astype(np.uint8), cv2.COLOR_RGB2GRAY)
    median = np.median(grey)
    expected = cv2.Canny(grey, int(max(0, 0.67 * median)), int(min(255, 1.33 * median)))
    maps, report = control_map(CANNY, image, {"thresholds": "median"})
    assert np.array_equal((maps[0, :, :, 0].numpy() * 255).astype(np.uint8), expected)
    assert f"Median {median:g}" in report


def test_median_canny_tells_about_a_picture_that_is_mostly_black():
    image = torch.zeros(1, 64, 64, 3)
    image[:, 20:40, 20:40] = 0.2
    maps, report = control_map(CANNY, image, {"thresholds": "median"})
    assert "thresholds are 0 and 0" in report and "mostly" not in report and maps.max() == 1
