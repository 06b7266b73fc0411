"""Canny equals OpenCV's, at any size, for batches, and without OpenCV."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from armature_pack.preprocessors import canny
from armature_pack.preprocessors.canny import CANNY
from armature_pack.preprocessors.canny_torch import canny_edges
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.images.example_pictures import EXAMPLE_PICTURES, example_picture
from skimage import data

PHOTOS = {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee")}


def as_image(photo: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(photo).float().div(255).unsqueeze(0)


@pytest.mark.parametrize("thresholds", [(100, 200), (20, 60), (0, 255)])
@pytest.mark.parametrize("name", PHOTOS)
def test_equals_opencv(name, thresholds):
    cv2 = pytest.importorskip("cv2")
    low, high = thresholds
    maps, report = control_map(CANNY, as_image(PHOTOS[name]), {"low_threshold": low, "high_threshold": high})
    expected = cv2.Canny(PHOTOS[name], low, high)
    assert np.array_equal((maps[0] * 255).numpy().astype(np.uint8), np.repeat(expected[..., None], 3, -1))
    height, width = PHOTOS[name].shape[:2]
    assert f"1 map of {width}x{height}; low_threshold {low}, high_threshold {high}" in report


@pytest.mark.parametrize("thresholds", [(100, 200), (0, 255), (255, 255)])
@pytest.mark.parametrize("name", PHOTOS)
def test_what_runs_on_a_gpu_gives_opencvs_edges_to_the_last_pixel(name, thresholds):
    """The same torch code, on the processor."""
    cv2 = pytest.importorskip("cv2")
    photo, noise = PHOTOS[name][60:220, 80:280], np.random.default_rng(0).integers(0, 256, (65, 131, 3), np.uint8)
    for pixels in (photo, photo[..., :1], noise):
        found = canny_edges(torch.from_numpy(pixels.copy()).movedim(-1, 0)[None], *thresholds)
        assert np.array_equal(found[0].numpy(), cv2.Canny(np.ascontiguousarray(pixels), *thresholds) > 0)


@pytest.mark.parametrize("thresholds", ["fixed", "median"])
def test_pictures_on_a_gpu_stay_there(monkeypatch, thresholds):
    images = as_image(PHOTOS["chelsea"])[:, :128, :160]
    images = torch.cat([images, images.flip(1)])
    expected, told = control_map(CANNY, images, {"thresholds": thresholds})
    monkeypatch.setattr(canny, "on_gpu", lambda _pictures: True)
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr(canny, "to_uint8", None)
    ours, report = control_map(CANNY, images, {"thresholds": thresholds})
    assert torch.equal(ours, expected) and report == told


def test_without_opencv_the_hosts_own_function_serves_and_the_report_says_so(monkeypatch):
    image = as_image(data.astronaut()[100:228, 150:278])
    with_opencv, _ = control_map(CANNY, image, {})
    monkeypatch.setitem(sys.modules, "cv2", None)
    without, report = control_map(CANNY, image, {})
    assert "OpenCV is not installed" in report and set(without.unique().tolist()) == {0.0, 1.0}
    lines, others = with_opencv > 0.5, without > 0.5
    assert (lines & others).sum() / others.sum() > 0.5, "most of its lines are OpenCV's"


def test_a_batch_is_its_pictures_one_by_one():
    images = torch.cat([as_image(PHOTOS["chelsea"]), as_image(PHOTOS["chelsea"]).flip(2)])
    maps, report = control_map(CANNY, images, {})
    assert "2 maps" in report
    for index in range(2):
        assert torch.equal(maps[index : index + 1], control_map(CANNY, images[index : index + 1], {})[0])


@pytest.mark.parametrize("mode", ["native", "short_side", "long_side", "pixel_perfect"])
def test_the_map_has_the_size_of_the_picture(mode):
    image = as_image(PHOTOS["chelsea"])
    maps, report = control_map(CANNY, image, {}, resolution_mode=mode, resolution=256)
    assert maps.shape == image.shape and set(maps.unique().tolist()) == {0.0, 1.0}
    seen = {"native": None, "short_side": "385x256", "long_side": "256x170", "pixel_perfect": "384x256"}[mode]
    assert (seen is None) == ("saw the picture" not in report) and (seen or "") in report


def test_a_mask_keeps_the_map_inside_it():
    image = as_image(PHOTOS["coffee"])
    mask = torch.zeros(1, 40, 60)
    mask[:, :, 30:] = 1
    maps, _ = control_map(CANNY, image, {}, mask=mask)
    whole, _ = control_map(CANNY, image, {})
    assert maps[:, :, :300].sum() == 0 and torch.equal(maps[:, :, 300:], whole[:, :, 300:])


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (7, 3)])
def test_tiny_and_thin_pictures_work(size):
    maps, report = control_map(CANNY, torch.rand(1, *size, 3), {"low_threshold": 255, "high_threshold": 255})
    assert maps.shape == (1, *size, 3) and "canny" in report.lower()


def test_a_blank_map_is_told():
    assert "map 0 is blank" in control_map(CANNY, torch.zeros(1, 32, 32, 3), {})[1]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.rand(32, 32, 3), "32x32x3"),
        (torch.rand(0, 32, 32, 3), "batch is empty"),
        (torch.full((2, 4, 4, 3), float("inf")), "image 0 of the batch holds values that are not numbers"),
        (torch.rand(1, 32, 32, 2), "1, 3 or 4 channels"),
        (None, "an IMAGE is wanted, not NoneType"),
        (torch.zeros(1).expand(1, 8000, 8000, 3), "Use resolution_mode long_side"),
    ],
)
def test_a_broken_picture_is_refused_by_name(image, words):
    with pytest.raises(ValueError, match=r".") as error:
        control_map(CANNY, image, {})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low_threshold": 300}, "300 lies outside 0 to 255"),
        ({"low_threshold": float("nan")}, "a number is wanted"),
        ({"low_threshold": "soft"}, "a number is wanted, not 'soft'"),
        ({"threshold": 1}, "no option threshold. Its options are: low_threshold, high_threshold"),
        ({"low_threshold": 201}, "lies above high_threshold"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_by_name(options, words):
    with pytest.raises(ValueError, match="Canny") as error:
        control_map(CANNY, torch.rand(1, 8, 8, 3), options)
    assert words in str(error.value)


@pytest.mark.parametrize("setting", [{"resolution_mode": "wide"}, {"resolution": 8}])
def test_a_wrong_resolution_is_refused(setting):
    with pytest.raises(ValueError, match="resolution"):
        control_map(CANNY, torch.rand(1, 8, 8, 3), {}, **setting)


@pytest.mark.parametrize("name", EXAMPLE_PICTURES)
def test_example_pictures_are_real_photographs_of_a_size_that_models_take(name):
    image = example_picture(name)
    assert image.shape[0] == 1 and image.shape[-1] == 3 and all(side % 8 == 0 for side in image.shape[1:3])
    assert image.std() > 0.1


def test_an_unknown_example_picture_is_named():
    with pytest.raises(ValueError, match='no "tea"'):
        example_picture("tea")
