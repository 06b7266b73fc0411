"""Checking control maps: the kind that a map looks like, what speaks against it, and repairs that are done when asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.images.map_check.check_maps import check_maps
from armature_pack.preprocessors.images.map_check.pose_and_normals import normal_axes, red_and_blue_swapped
from armature_pack.preprocessors.images.tags import pass_on, tag, tag_of

from . import drawn_maps as drawn

cv2 = pytest.importorskip("cv2")

KINDS = {
    "canny": drawn.canny,
    "mlsd": drawn.straight_lines,
    "scribble": drawn.scribble,
    "softedge": drawn.soft_edges,
    "depth": drawn.depth,
    "normal": drawn.normals,
    "openpose": drawn.pose,
    "segmentation": drawn.segmentation,
    "photo": drawn.photo,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_and_nothing_speaks_against_it(kind):
    checked = check_maps(drawn.image(KINDS[kind]()))
    assert checked.kind == kind and checked.ok and "nothing speaks against it" in checked.report


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket", "motorcycle_left"])
def test_canny_of_real_photographs(name):
    picture = skimage_photo(name)
    assert check_maps(drawn.image(drawn.grey(cv2.Canny(picture, 100, 200)))).kind in ("canny", "mlsd")
    assert check_maps(drawn.image(picture)).kind == "photo"


def skimage_photo(name: str) -> np.ndarray:
    import skimage.data

    folder = Path(skimage.data.__file__).parents[0]
    path = next(folder.glob(f"{name}.*"))
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return cv2.resize(picture, (384, 384), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    ("picture", "expected", "words"),
    [
        (lambda: 255 - drawn.canny(), "canny", "dark on white"),
        (lambda: 255 - drawn.canny(), "auto", "dark on white"),
        (lambda: drawn.pose()[..., ::-1], "openpose", "red and blue are swapped"),
        (lambda: drawn.normals()[..., ::-1], "normal", "red and blue are swapped"),
        (lambda: drawn.normals("opengl"), "normal", "OpenGL's"),
        (lambda: drawn.normals("directx"), "normal", "DirectX's"),
        (lambda: drawn.normals("green_down"), "normal", "green is down"),
        (lambda: drawn.jpeg(drawn.canny()), "canny", "JPEG noise"),
    ],
)
def test_what_can_be_repaired_is_told_and_repaired_only_when_asked(picture, expected, words):
    broken = drawn.image(np.ascontiguousarray(picture()))
    told = check_maps(broken, expected)
    assert words in told.report and "set repair" in told.report and not told.ok
    assert told.maps is broken
    mended = check_maps(broken, expected, "repair")
    assert mended.ok and not torch.equal(mended.maps, broken)
    assert check_maps(mended.maps, expected).ok


def test_repairs_give_the_map_back_exactly():
    for wrong, right, kind in (
        (255 - drawn.canny(), drawn.canny(), "canny"),
        (drawn.pose()[..., ::-1].copy(), drawn.pose(), "openpose"),
        (drawn.normals("opengl"), drawn.normals(), "normal"),
    ):
        repaired = check_maps(drawn.image(wrong), kind, "repair").maps
        assert (repaired - drawn.image(right)).abs().max() < 1.5 / 255


@pytest.mark.parametrize(
    ("picture", "expected", "words"),
    [
        (lambda: np.full((384, 384, 3), 200, np.uint8), "canny", "blank"),
        (lambda: np.zeros((384, 384, 3), np.uint8), "auto", "blank"),
        (drawn.depth, "openpose", "no person"),
        (drawn.photo, "canny", "looks like a photograph, not like a canny map"),
        (drawn.depth, "normal", "looks like a depth map, not like a normal map"),
        (lambda: drawn.grey(np.random.default_rng(0).integers(0, 10, (384, 384)) // 7 * 255), "canny", "are lines"),
    ],
)
def test_what_cannot_be_repaired_is_told(picture, expected, words):
    broken = drawn.image(picture())
    checked = check_maps(broken, expected, "repair")
    assert words in checked.report and not checked.ok and checked.maps is broken


def test_each_map_of_a_batch_is_looked_at():
    checked = check_maps(drawn.image(drawn.canny(), 255 - drawn.canny()), "canny", "repair")
    assert (
        "Map 0 looks like a canny map" in checked.report and "Map 1" in checked.report and "inverted" in checked.report
    )
    assert torch.equal(checked.maps[0], checked.maps[1])


def test_auto_knows_the_maker_of_a_map_and_the_tag_travels_on():
    image = tag(drawn.image(255 - drawn.canny()), "canny")
    checked = check_maps(image, "auto", "repair")
    assert checked.ok and tag_of(checked.maps) == "canny"
    assert tag_of(image.clone()) is None and tag_of(pass_on(image, image + 0)) == "canny"


def test_tags_are_forgotten_with_their_image():
    from armature_pack.preprocessors.images import tags

    image = tag(torch.zeros(1, 2, 2, 3), "depth")
    key = id(image)
    assert key in tags._tags
    del image
    assert key not in tags._tags


def test_a_figure_on_its_hands_is_left_alone():
    for turned in (drawn.pose()[::-1].copy(), np.rot90(drawn.pose(), 2).copy()):
        assert not red_and_blue_swapped(turned)
        kept = drawn.image(turned)
        assert check_maps(kept, "openpose", "repair").maps is kept


def test_a_figure_of_which_too_little_is_seen_is_left_alone():
    top = drawn.pose()[:120]
    assert not red_and_blue_swapped(top) and not red_and_blue_swapped(top[..., ::-1])
    assert normal_axes(drawn.photo()).name == "unknown"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.zeros(1, 8, 8, 2),), "1x8x8x2"),
        ((torch.zeros(1, 8, 8, 3), "edges"), '"edges" is not one of auto'),
        ((torch.zeros(1, 8, 8, 3), "canny", "all"), '"all" is not one of none, repair'),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments, words):
    with pytest.raises(ValueError, match="Check Control Image") as error:
        check_maps(*arguments)
    assert words in str(error.value)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 700), (2000, 16)])
def test_odd_sizes_are_looked_at(size):
    assert check_maps(torch.rand(1, *size, 3)).report


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match="opencv-python-headless"):
        check_maps(torch.rand(1, 8, 8, 3))
