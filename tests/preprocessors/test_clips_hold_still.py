"""A window that moves over a photograph, with a camera's noise: what was drawn moves along, and little else changes.

The figures beside comfyui_controlnet_aux, on 24 frames and all methods: tests/bench/bench_map_stability.py.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method

cv2 = pytest.importorskip("cv2")

STEP, SIDE, FRAMES = 4, 224, 4


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """[B,SIDE,SIDE,3] of uint8: coffee, the picture in which the cup's rim and the table are lines."""
    import skimage.data

    picture = cv2.resize(skimage.data.coffee(), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0)
    windows = (picture[60 : 60 + SIDE, 100 + at : 100 + at + SIDE].astype(int) for at in range(0, STEP * FRAMES, STEP))
    return np.stack([one + noise.integers(-1, 2, one.shape) for one in windows]).clip(0, 255).astype(np.uint8)


def made(method: str, clip: np.ndarray) -> np.ndarray:
    maps, _ = control_map(find_method(method), torch.from_numpy(clip).float() / 255, {})
    return (maps * 255).round().int().numpy()


def changes(maps: np.ndarray) -> np.ndarray:
    """How far each pixel changes beyond the motion, away from the border."""
    pairs = [(first[16:-16, 16 + STEP : -16], second[16:-16, 16 : -16 - STEP]) for first, second in pairwise(maps)]
    return np.stack([np.abs(one.astype(int) - other).max(-1) for one, other in pairs])


def flicker(maps: np.ndarray) -> float:
    return float((changes(maps) > 32).mean())


def test_a_resampled_tile_has_no_grid_that_stands_still(clip):
    def on_a_grid(picture: np.ndarray) -> np.ndarray:
        small = cv2.resize(picture, (SIDE // 8, SIDE // 8), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)

    ours, theirs = made("tile_resample", clip), np.stack([on_a_grid(one) for one in clip])
    assert changes(ours).max() <= 2 < 30 < changes(theirs).max()
    # As soft as what goes through a grid, and in its place.
    assert abs(np.abs(np.diff(ours, axis=2)).mean() / np.abs(np.diff(theirs.astype(int), axis=2)).mean() - 1) < 0.15
    assert np.abs(ours - theirs).mean() < 4


def test_a_scribble_changes_less_than_the_annotators_though_it_draws_more(clip):
    def annotator(picture: np.ndarray) -> np.ndarray:
        fine, coarse = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma) for sigma in (0.5, 5.0))
        dog = (255 - np.min(coarse - fine, axis=2)).clip(0, 255).astype(np.uint8)
        return np.repeat(np.where(2 * (255 - dog) > 32, 255, 0)[..., None], 3, 2)

    ours, theirs = made("scribble_xdog", clip), np.stack([annotator(one) for one in clip])
    assert flicker(ours) <= flicker(theirs) and (ours > 0).mean() > (theirs > 0).mean()


def test_straight_lines_do_not_hang_on_where_they_end(clip, monkeypatch):
    from armature_pack.preprocessors import straight_lines

    ours = made("straight_lines", clip)

    def by_opencv(segments: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        canvas = np.zeros(size, np.uint8)
        for x0, y0, x1, y1 in np.rint(segments).astype(int).tolist():
            cv2.line(canvas, (x0, y0), (x1, y1), 255, 1)
        return canvas

    monkeypatch.setattr(straight_lines, "rasterised", by_opencv)
    theirs = made("straight_lines", clip)
    assert abs((ours > 0).mean() / (theirs > 0).mean() - 1) < 0.02 and (ours > 0).mean() > 0.01
    assert flicker(ours) < 0.75 * flicker(theirs)


def test_a_part_of_a_line_is_drawn_as_in_the_whole_and_stays_in_the_picture():
    from armature_pack.preprocessors.straight_lines import rasterised

    ends = np.array([3.2, 50.3, 90.7, 71.9])
    for line in (ends, ends[[1, 0, 3, 2]], ends[[2, 3, 0, 1]]):  # flat, steep, the other way round
        start, step = line[:2], line[2:] - line[:2]
        whole = rasterised(line[None], (96, 96))
        assert (whole > 0).sum() == 89
        for low, high in ((0.11, 0.63), (0.4, 0.97)):
            part = rasterised(np.concatenate([start + low * step, start + high * step])[None], (96, 96))
            assert not (part & ~whole).any() and part.any()
    assert rasterised(np.array([[-9.0, 5.0, 200.0, 5.0], [4.0, 4.0, 4.0, 4.0]]), (20, 30)).astype(bool).sum() == 31
