"""Each map looks as its control nets were trained: against OpenCV's formulas and against shapes that are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.filters import BYTE_REACH, FLOAT_REACH, blurred, in_steps, ridges, scribbled
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.tile import fix_colors
from skimage import data

cv2 = pytest.importorskip("cv2")
PHOTO = data.coffee()[:300:2, :450:2].copy()
IMAGE = torch.from_numpy(PHOTO)[None] / 255


def levels(method: str, image: torch.Tensor = IMAGE, **inputs) -> np.ndarray:
    """The first map in levels of 255."""
    options = inputs.pop("options", {})
    return control_map(find_method(method), image, options, **inputs)[0][0].numpy() * 255


@pytest.mark.parametrize("reach", [BYTE_REACH, FLOAT_REACH])
@pytest.mark.parametrize("sigma", [0.5, 3.0, 6.0])
def test_blur_is_opencvs_with_and_without_it(sigma, reach, monkeypatch):
    planes = torch.from_numpy(PHOTO).float().movedim(-1, 0)[None]
    size = 2 * max(1, round(sigma * reach)) + 1
    expected = cv2.GaussianBlur(PHOTO.astype(np.float32), (size, size), sigma)
    assert np.abs(blurred(planes, sigma, reach)[0].movedim(0, -1).numpy() - expected).max() < 0.01
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert np.abs(blurred(planes, sigma, reach)[0].movedim(0, -1).numpy() - expected).max() < 0.01


def test_ridges_are_the_annotators_dilation():
    values = torch.rand(1, 1, 40, 50, generator=torch.Generator().manual_seed(0))
    plane, kept = values[0, 0].numpy(), np.zeros((40, 50), bool)
    for line in ([[0, 0, 0], [1, 1, 1], [0, 0, 0]], [[0, 1, 0]] * 3, np.eye(3), np.eye(3)[::-1]):
        kept |= cv2.dilate(plane, np.array(line, np.uint8)) == plane
    assert np.array_equal(ridges(values)[0, 0].numpy() > 0, kept)


def test_safe_edges_have_three_levels():
    values = np.array([0, 0.2, 0.33, 0.34, 0.5, 0.66, 0.67, 0.99, 1], np.float32)
    expected = np.clip((values * 3).astype(int) / 2, 0, 1)
    assert in_steps(torch.from_numpy(values)).tolist() == expected.tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1]


def test_scribbles_are_strokes_around_the_ridge():
    edges = torch.zeros(1, 1, 64, 64)
    edges[..., 32] = 1
    strokes = scribbled(blurred(edges, 2.0) * 5)
    columns = strokes[0, 0, 30].nonzero()[:, 0]
    assert set(strokes.unique().tolist()) == {0.0, 1.0} and 6 <= len(columns) <= 20 and 32 in columns


def test_lineart_standard_is_the_annotators_formula():
    photo = PHOTO.astype(np.float32)
    darker = np.min(cv2.GaussianBlur(photo, (0, 0), 6.0) - photo, axis=2).clip(0, 255)
    expected = (darker / max(16, np.median(darker[darker > 8])) * 127).clip(0, 255).astype(np.uint8)
    assert np.abs(levels("lineart_standard")[..., 0] - expected).max() <= 1.01


def test_xdog_is_the_annotators_formula():
    photo = PHOTO.astype(np.float32)
    difference = cv2.GaussianBlur(photo, (0, 0), 5.0) - cv2.GaussianBlur(photo, (0, 0), 0.5)
    dog = (255 - np.min(difference, axis=2)).clip(0, 255).astype(np.uint8)
    expected = np.where(2 * (255 - dog.astype(int)) > 32, 255, 0)
    assert np.mean(levels("scribble_xdog", options={"formula": "annotator"})[..., 0] != expected) < 0.001


def test_binary_turns_ink_white():
    paper = np.full((60, 80, 3), 230, np.uint8)
    cv2.putText(paper, "ink", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 20), 2)
    image = torch.from_numpy(paper)[None] / 255
    expected = cv2.threshold(255 - paper[..., 0], 154, 255, cv2.THRESH_BINARY)[1]
    assert np.array_equal(levels("binary", image)[..., 0], expected)
    assert np.array_equal(255 - levels("binary", image, options={"white_is": "bright"})[..., 0], expected)


def pieces(lines: np.ndarray) -> np.ndarray:
    """Pixels of each connected piece of a map."""
    return cv2.connectedComponentsWithStats((lines > 127).astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]


def saucer() -> np.ndarray:
    """Points on the rim of coffee's saucer, where it lies on the table, found by hand."""
    angles = np.radians(np.arange(20, 160, 4))
    return np.column_stack([278 + 202 * np.cos(angles), 222 + 160 * np.sin(angles)]).round().astype(int)


def test_xdog_keeps_the_saucer_and_leaves_no_specks():
    photo = torch.from_numpy(data.coffee()).float().div(255).unsqueeze(0)
    clean, raw = (levels("scribble_xdog", photo, options={"formula": one})[..., 0] for one in ("clean", "annotator"))
    near = [
        cv2.dilate(one.astype(np.uint8), np.ones((17, 17)))[tuple(saucer().T[::-1])].mean() / 255
        for one in (clean, raw)
    ]
    assert near[0] > 0.9 > near[1], near
    assert pieces(clean).min() >= 32 and (pieces(raw) < 32).sum() > 200


def test_binary_keeps_the_page_under_its_shadow_and_makes_no_blots():
    page = torch.from_numpy(data.page()).float().div(255).unsqueeze(0)[..., None].expand(-1, -1, -1, 3)
    shadow = (slice(95, 185), slice(0, 60))  # the dark corner
    whole, local = (levels("binary", page, options={"thresholding": one})[..., 0] > 127 for one in ("global", "auto"))
    assert whole[shadow].mean() > 0.5 > 0.3 > local[shadow].mean()
    photo = torch.from_numpy(data.astronaut()).float().div(255).unsqueeze(0)
    largest = [cv2.distanceTransform((levels("binary", photo, options={"thresholding": one})[..., 0] > 127).astype(np.uint8), cv2.DIST_L2, 5).max() for one in ("global", "auto")]  # fmt: skip  # noqa: E501
    assert largest[1] < 20 < 40 < largest[0], "strokes and no blots: pixels to the nearest black"


def test_binary_leaves_a_solid_logo_solid_and_a_threshold_that_was_chosen_in_force():
    logo = np.full((200, 200, 3), 250, np.uint8)
    cv2.circle(logo, (100, 100), 70, (20, 20, 20), -1)
    image = torch.from_numpy(logo)[None] / 255
    assert levels("binary", image)[100, 100, 0] == 255
    assert levels("binary", image, options={"thresholding": "local"})[100, 100, 0] == 0
    chosen = levels("binary", options={"threshold": 90})
    assert np.array_equal(chosen, levels("binary", options={"threshold": 90, "thresholding": "global"}))


@pytest.mark.parametrize("method", ["scribble_xdog", "binary", "straight_lines"])
def test_noise_of_one_level_and_jpeg_change_little(method):
    photo = np.ascontiguousarray(data.camera()[..., None].repeat(3, 2))
    noise = np.random.default_rng(0).integers(-1, 2, photo.shape)
    noisy = (photo.astype(int) + noise).clip(0, 255).astype(np.uint8)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 95])[1], cv2.IMREAD_COLOR)
    clean, *others = (levels(method, torch.from_numpy(one)[None] / 255)[..., 0] > 127 for one in (photo, noisy, jpeg))
    most = {"scribble_xdog": 0.03, "binary": 0.02, "straight_lines": 0.25}[method]
    for other in others:
        assert (clean != other).sum() < most * clean.sum()


def test_a_line_that_is_interrupted_and_noisy_is_one_line_where_it_is():
    picture = np.full((300, 400, 3), 200.0)
    cv2.line(picture, (30, 40), (370, 210), (60, 60, 60), 9, cv2.LINE_AA)
    for x in range(60, 370, 50):
        picture[:, x : x + 4] = 200
    picture += np.random.default_rng(1).normal(0, 6, picture.shape)
    lines = levels("straight_lines", torch.from_numpy(picture.clip(0, 255))[None].float() / 255)[..., 0]
    assert len(pieces(lines)) == 2 and pieces(lines).min() > 300, "both sides of the stroke, each in one piece"
    rows, columns = np.nonzero(lines)
    beside = np.abs((rows - 40) * 340 - (columns - 30) * 170) / np.hypot(340, 170)
    assert np.abs(beside - 4.5).max() < 1.5


def test_otsu_is_opencvs():
    grey = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)
    threshold, white = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    maps, report = control_map(find_method("binary"), IMAGE, {"threshold": 0})
    assert f"Otsu's threshold: {int(threshold)}." in report
    assert np.mean((maps[0, ..., 0].numpy() > 0.5) != (white > 127)) < 0.001


def test_luminance_is_lab_and_intensity_is_hsv():
    lab = cv2.cvtColor(PHOTO.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0] * 2.55
    assert np.abs(levels("recolor_luminance")[..., 1] - lab).max() < 0.6
    assert np.array_equal(levels("recolor_intensity")[..., 1].round(), PHOTO.max(-1))
    darker = levels("recolor_intensity", options={"gamma": 2.0})[..., 0]
    assert np.allclose(darker, (PHOTO.max(-1) / 255.0) ** 2 * 255, atol=0.01)


def test_the_color_grid_is_opencvs():
    small = cv2.resize(PHOTO.astype(np.float32), (225 // 64, 150 // 64), interpolation=cv2.INTER_CUBIC)
    grid = levels("color_grid")
    assert np.abs(grid[0, 0] - small[0, 0].clip(0, 255)).max() < 0.6
    assert len(np.unique(grid.round().reshape(-1, 3), axis=0)) == 6, "flat squares of pure colours"


def test_tile_keeps_the_colours_and_loses_the_detail():
    tile, same = levels("tile_resample"), levels("tile_resample", options={"down_sampling_rate": 1.0})
    assert np.allclose(same, PHOTO, atol=0.01) and np.abs(tile.mean((0, 1)) - PHOTO.mean((0, 1))).max() < 1
    assert np.abs(np.diff(tile, axis=1)).mean() < 0.4 * np.abs(np.diff(PHOTO.astype(float), axis=1)).mean()
    assert np.allclose(levels("tile_colorfix"), PHOTO, atol=0.01)
    sharp = levels("tile_colorfix_sharp")
    assert np.abs(np.diff(sharp, axis=1)).mean() > np.abs(np.diff(PHOTO.astype(float), axis=1)).mean()


def test_fix_colors_brings_the_colours_back_and_keeps_the_detail():
    drifted = (IMAGE * torch.tensor([0.8, 1.0, 1.0]) + torch.tensor([0.0, 0.0, 0.1])).clamp(0, 1)
    fixed, report = fix_colors(drifted, IMAGE, 8.0, 0.0)
    assert (fixed - IMAGE).abs().mean() < 0.25 * (drifted - IMAGE).abs().mean() and "Colours of 1 pictures" in report
    assert torch.allclose(fix_colors(IMAGE, IMAGE, 8.0, 0.0)[0], IMAGE, atol=1e-5)
    assert "resized from 112x75" in fix_colors(drifted, IMAGE[:, ::2, 1::2], 8.0, 0.0)[1]
    with pytest.raises(ValueError, match="2 references came in for 1 pictures"):
        fix_colors(drifted, IMAGE.repeat(2, 1, 1, 1), 8.0, 0.0)


def test_shuffle_repeats_with_its_seed_and_is_the_same_for_a_batch():
    one, again, other = (levels("shuffle", options={"seed": seed, "cell": 64}) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    maps, _ = control_map(find_method("shuffle"), IMAGE.repeat(2, 1, 1, 1), {"seed": 1, "cell": 64})
    assert torch.equal(maps[0], maps[1])
    assert one.min() >= PHOTO.min() and one.max() <= PHOTO.max(), "only colours of the picture"


@pytest.mark.parametrize(("masked_is", "value"), [("minus_one", -1.0), ("black", 0.0), ("gray", 0.5)])
def test_the_inpaint_hint_marks_the_mask(masked_is, value):
    mask = torch.zeros(1, 150, 225)
    mask[:, 20:60, 30:90] = 0.8
    maps, report = control_map(find_method("inpaint_hint"), IMAGE, {"masked_is": masked_is}, mask=mask)
    assert (maps[0, 20:60, 30:90] == value).all() and torch.equal(maps[0, 60:], IMAGE[0, 60:]) and "7%" in report
    assert "marks nothing" in control_map(find_method("inpaint_hint"), IMAGE, {}, mask=mask * 0)[1]


def test_the_mask_map_grows_and_feathers():
    mask = torch.zeros(1, 150, 225)
    mask[:, 50:100, 50:100] = 1
    for grow, white in ((0, 2500), (5, 3600), (-5, 1600)):
        assert (levels("mask", mask=mask, options={"grow": grow}) > 127).sum() == white * 3
    soft = levels("mask", mask=mask, options={"feather": 4.0})
    assert 100 < soft[75, 50, 0] < 155 and levels("mask", mask=mask, options={"invert": True})[75, 75, 0] == 0


def test_a_qr_code_is_pure_on_grey():
    paper = torch.full((1, 100, 120, 3), 0.85)
    paper[:, 30:70, 40:80] = (torch.rand(4, 4, generator=torch.Generator().manual_seed(2)) > 0.5).float().repeat_interleave(10, 0).repeat_interleave(10, 1).unsqueeze(-1) * 0.7 + 0.15  # fmt: skip  # noqa: E501
    code = levels("qr_code", paper)
    assert set(code.round().ravel()) == {0, 128, 255} and code[0, 0, 0].round() == 128
    assert set(levels("qr_code", paper, options={"ground": "white"}).ravel()) == {0, 255}


@pytest.mark.parametrize(
    ("convention", "left", "top"),
    [("bae", (1, 0.5), (0.5, 1)), ("opengl", (0, 0.5), (0.5, 1)), ("directx", (0, 0.5), (0.5, 0))],
)
def test_a_ball_has_the_normals_of_the_convention(convention, left, top):
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 129), torch.linspace(-1, 1, 129), indexing="ij")
    height = (1 - rows**2 - columns**2).clamp(min=0).sqrt()
    ball = height.unsqueeze(-1).expand(1, -1, -1, 3)
    options = {"convention": convention, "relief": 0.5, "smoothing": 0.0, "background": 0.0}
    normal = control_map(find_method("normal_from_depth"), ball, options)[0][0]
    assert torch.allclose(normal[64, 64], torch.tensor([0.5, 0.5, 1.0]), atol=0.02), "flat is (128, 128, 255)"
    for place, expected in (((64, 12), left), ((12, 64), top)):
        shown = normal[place[0], place[1]]
        # At 0.8125 of the radius the slope is known: a unit ball.
        sideways = 0.5 + (np.array(expected) - 0.5) * 0.8125
        assert np.abs(shown[:2].numpy() - sideways).max() < 0.02
    lengths = (normal * 2 - 1).norm(dim=-1)
    assert torch.allclose(lengths, torch.ones_like(lengths), atol=0.01)


def test_straight_lines_are_found_and_curves_left_out():
    picture = np.full((200, 240, 3), 240, np.uint8)
    cv2.rectangle(picture, (40, 50), (200, 150), (30, 30, 30), -1)
    lines = levels("straight_lines", torch.from_numpy(picture)[None] / 255)[..., 0]
    assert set(np.unique(lines)) == {0, 255} and lines[45:56, 60:180].any(0).mean() > 0.95
    assert lines[70:130, 60:180].sum() == 0


@pytest.mark.parametrize(("shift", "channel"), [((0, 4), 0), ((0, -4), None), ((4, 0), None)])
def test_motion_has_the_colours_of_the_wheel(shift, channel):
    still = example_picture("astronaut")[:, :256, :256]
    maps, report = control_map(find_method("optical_flow"), torch.cat([still, still.roll(shift, (1, 2))]), {})
    middle = maps[0, 100:160, 100:160].reshape(-1, 3).median(0).values
    expected = {(0, 4): (1, 0, 0), (0, -4): (0, 1, 1), (4, 0): (1, 0.9, 0)}[shift]
    assert np.abs(middle.numpy() - expected).max() < 0.3, "right is red, left cyan, down yellow"
    assert torch.equal(maps[0], maps[1]) and "the last map repeats" in report
    nothing, _ = control_map(find_method("optical_flow"), still.repeat(2, 1, 1, 1), {})
    assert nothing.min() > 0.99, "rest is white"


def test_one_picture_has_no_motion():
    with pytest.raises(ValueError, match="one picture has no motion"):
        control_map(find_method("optical_flow"), IMAGE, {})


@pytest.mark.parametrize("method", ["tile_resample", "color_grid", "shuffle", "recolor_luminance", "binary"])
def test_without_opencv_the_maps_are_the_same_but_for_rounding(monkeypatch, method):
    with_opencv = levels(method)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert np.abs(levels(method) - with_opencv).mean() < 0.3
