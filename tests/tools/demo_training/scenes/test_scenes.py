"""Scenes are the same for everybody, and their maps agree with each other and with the picture."""

from __future__ import annotations

import math

import pytest
import torch
from armature_pack.models.demo.codes import tokenize
from armature_pack.tools.demo_training.scenes.layout import HELD_OUT, TRAINING, Placed, Scene, scene
from armature_pack.tools.demo_training.scenes.rendering import render
from armature_pack.tools.demo_training.scenes.style import inked
from armature_pack.tools.demo_training.scenes.vocabulary import COLOURS, FLOORS, SOLIDS


@pytest.fixture(scope="module")
def drawn():
    scenes = [scene(TRAINING, index) for index in range(12)]
    return scenes, render(scenes)


def alone(solid: str, **more: float) -> Scene:
    placed = Placed(solid, "red", more.get("x", 0.0), 0.0, 0.8, more.get("yaw", 0.0))
    return Scene((placed,), "gray", math.radians(28), math.radians(135), math.radians(48))


def test_a_number_is_always_the_same_scene():
    assert scene(TRAINING, 5) == scene(TRAINING, 5)
    assert scene(TRAINING, 5) != scene(HELD_OUT, 5)
    assert torch.equal(render([scene(TRAINING, 5)]).images, render([scene(TRAINING, 5)]).images)


def test_a_batch_draws_what_single_scenes_draw(drawn):
    scenes, together = drawn
    single = render([scenes[3]])
    # The rays of a batch may be rounded otherwise than those of one scene, which can turn a pixel on an outline.
    assert ((single.images[0] - together.images[3]).abs() > 1e-4).float().mean() < 1e-3
    assert (single.segmentation[0] != together.segmentation[3]).float().mean() < 1e-3


def test_every_object_of_every_kind_is_seen():
    for solid in SOLIDS:
        seen = render([alone(solid.name)]).segmentation
        assert 0.03 < (seen == 1).float().mean() < 0.5, solid.name


def test_maps_have_their_ranges_and_shapes(drawn):
    _, maps = drawn
    assert maps.images.shape == (12, 3, 128, 128)
    for values in (maps.images, maps.depth, maps.normals, maps.edges):
        assert values.min() >= 0 and values.max() <= 1
    lengths = (maps.normals * 2 - 1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-4, rtol=0)


def test_objects_stand_in_front_of_the_floor_and_the_floor_recedes_upwards():
    floor_only = render([alone("ball", x=100.0)]).depth[0, 0]
    assert (floor_only.diff(dim=0) >= 0).all()
    ball = render([alone("ball")])
    inside = ball.segmentation[0, 0] == 1
    assert (ball.depth[0, 0][inside] >= floor_only[inside] - 1e-4).all()


def test_edges_are_silhouettes_and_creases_and_no_shadows(drawn):
    _, maps = drawn
    parts, edges = maps.segmentation, maps.edges
    silhouettes = parts[..., :, 1:] != parts[..., :, :-1]
    assert (edges[..., :, :-1][silhouettes] == 1).all()
    # A ball has no creases: all its edges lie where the segmentation changes, whatever its shadow does.
    ball = render([alone("ball")])
    outline = torch.zeros_like(ball.edges, dtype=torch.bool)
    outline[..., :, :-1] |= ball.segmentation[..., :, 1:] != ball.segmentation[..., :, :-1]
    outline[..., :-1, :] |= ball.segmentation[..., 1:, :] != ball.segmentation[..., :-1, :]
    assert torch.equal(ball.edges > 0, outline)
    cube = render([alone("cube", yaw=0.5)])
    inside = (cube.segmentation[0, 0, 1:-1, 1:-1] == 1) & (cube.edges[0, 0, 1:-1, 1:-1] > 0)
    assert inside.sum() > 40


def test_a_lit_side_is_brighter_than_the_shadow():
    picture = render([alone("ball")])
    red = picture.images[0, 0]
    inside = picture.segmentation[0, 0] == 1
    columns = inside.any(0).nonzero()[:, 0]
    middle = int(columns.float().mean())
    left, right = inside.clone(), inside.clone()
    left[:, middle:] = False
    right[:, :middle] = False
    assert red[left].mean() > red[right].mean() + 0.05


def test_captions_name_everything_and_fit_the_short_text():
    scenes = [scene(TRAINING, index) for index in range(200)]
    for one in scenes:
        assert all(placed.solid in one.caption and placed.colour in one.caption for placed in one.objects)
        assert one.caption.endswith(f"{one.floor} floor")
        assert one.floor in FLOORS and {placed.colour for placed in one.objects} <= set(COLOURS)
    assert tokenize([one.caption for one in scenes]).shape[0] == 200


def test_ink_darkens_the_lines_and_nothing_else():
    pictures, edges = torch.full((1, 3, 16, 16), 0.5), torch.zeros(1, 1, 16, 16)
    edges[..., 8, :] = 1
    found = inked(pictures, edges)
    assert (found[..., 7:10, :] < 0.1).all()
    assert (found[..., :6, :] > 0.5).all()
