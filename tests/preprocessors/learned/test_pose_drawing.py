"""Drawn poses are controlnet_aux's, on which pose nets were trained, to the pixel."""

from __future__ import annotations

import colorsys
import sys
from types import ModuleType

import numpy as np
import pytest
import real_weights
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.pose.keypoints import BODY, FACE, LEFT_HAND, RIGHT_HAND, nobody, write_frames
from armature_pack.preprocessors.pose.people import map_of_poses

pytest.importorskip("cv2")
CANVASES = ((512, 512), (768, 512), (333, 517), (1024, 1024))


@pytest.fixture(scope="module")
def peer():
    """controlnet_aux's drawing; what it takes of matplotlib, which is not here, is the standard library's function."""
    real_weights.controlnet_aux()
    colours = ModuleType("matplotlib.colors")
    colours.hsv_to_rgb = lambda hsv: np.array(colorsys.hsv_to_rgb(*hsv))  # type: ignore[attr-defined]
    package = ModuleType("matplotlib")
    package.colors = colours  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", package)
        yield controlnet_aux("test", "open_pose")


def crowd(seed: int, size: tuple[int, int]) -> list[dict[str, np.ndarray]]:
    """Three people at random: limbs of all lengths and directions, small hands and faces, every tenth point missing."""
    random, side = np.random.default_rng(seed), np.array(size[::-1])
    people = []
    for _ in range(3):
        person = nobody()
        middle, reach = random.uniform(0.3, 0.7, 2) * side, random.uniform(0.05, 0.3) * min(size)
        for part, spread in ((BODY, 1.0), (LEFT_HAND, 0.2), (RIGHT_HAND, 0.2), (FACE, 0.15)):
            points = person[part]
            where = middle + random.uniform(-1, 1, 2) * reach
            points[:, :2] = np.clip(where + spread * reach * random.normal(size=(len(points), 2)), 2, side - 2)
            points[:, 2] = random.uniform(size=len(points)) > 0.1
            points[points[:, 2] == 0] = 0
        people.append(person)
    return people


def drawn_by(peer, people: list[dict[str, np.ndarray]], size: tuple[int, int], **parts: bool) -> np.ndarray:
    height, width = size

    def keypoints(points: np.ndarray) -> list:
        return [peer.Keypoint(float(x) / width, float(y) / height) if score else None for x, y, score in points]

    # Its hands and faces have no way to lack a point but one at the corner, which it does not draw.
    def whole(points: np.ndarray) -> list:
        return [one or peer.Keypoint(0.0, 0.0) for one in keypoints(points)]

    results = [
        peer.PoseResult(
            peer.BodyResult(keypoints(one[BODY]), 1.0, 18),
            whole(one[LEFT_HAND]),
            whole(one[RIGHT_HAND]),
            whole(one[FACE]),
        )
        for one in people
    ]
    return peer.draw_poses(results, height, width, **parts)


def differing(peer, seed: int, part: str) -> tuple[int, int]:
    """(pixels that differ, pixels with ink) of a crowd."""
    size = CANVASES[seed % len(CANVASES)]
    people = crowd(seed, size)
    names = {"body": ("body", "head"), "hand": ("hands",), "face": ("face",), "all": ("body", "head", "hands", "face")}
    options = {name: name in names[part] for name in names["all"]}
    frame = {"canvas_width": size[1], "canvas_height": size[0], "people": people}
    ours = (map_of_poses(write_frames([frame]), 0, 0, options)[0][0].numpy() * 255).round()
    theirs = drawn_by(peer, people, size, **{f"draw_{one}": part in (one, "all") for one in ("body", "hand", "face")})
    return int((ours != theirs).any(-1).sum()), int(theirs.any(-1).sum())


@pytest.mark.parametrize("part", ["body", "hand", "face", "all"])
def test_at_most_one_pixel_in_a_thousand_differs(peer, part):
    counts = np.array([differing(peer, seed, part) for seed in range(12)])
    different, ink = counts.sum(0)
    assert different <= 0.001 * ink, f"{different} of {ink} pixels"
