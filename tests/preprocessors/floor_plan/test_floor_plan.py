"""Plans whose rooms and distances are known."""

from __future__ import annotations

import re

import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.floor_plan.space import view_of
from armature_pack.preprocessors.floor_plan.walls import walls_of
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.segment_colours import ADE_FLOOR, ADE_WALL, ade_palette
from armature_pack.tools.help.photographs import floor_plan
from torch.nn.functional import interpolate

CAMERA = {"camera_x": 0.5, "camera_y": 0.5, "camera_height": 1.5, "direction": 0.0, "tilt": 0.0, "field_of_view": 90.0, "plan_width": 10.0, "wall_height": 3.0, "ceiling": True}  # fmt: skip  # noqa: E501


def square_room() -> torch.Tensor:
    """10 x 10 metres at 20 pixels a metre, with walls of half a metre."""
    walls = torch.zeros(200, 200, dtype=torch.bool)
    walls[:10], walls[-10:], walls[:, :10], walls[:, -10:] = True, True, True, True
    return walls


def test_rooms_are_filled_walls_marked_and_the_outside_is_black():
    maps, report = control_map(find_method("floor_plan_rooms"), floor_plan(), {})
    shown = (maps[0] * 255).round().int()
    assert shown[5, 5].tolist() == [0, 0, 0] and "Rooms found: 3." in report
    assert shown[24, 200].tolist() == ade_palette()[ADE_WALL].tolist()
    for room in ((200, 100), (100, 400), (300, 400)):
        assert shown[room].tolist() == ade_palette()[ADE_FLOOR].tolist()
    assert shown[61, 100].tolist() == ade_palette()[ADE_FLOOR].tolist(), "thin furniture is no wall"


def test_flat_colours_tell_the_rooms_apart():
    maps, _ = control_map(find_method("floor_plan_rooms"), floor_plan(), {"door_width": 48, "colours": "flat"})
    rooms = [tuple(maps[0][place].tolist()) for place in ((200, 100), (100, 400), (300, 400))]
    assert len(set(rooms)) == 3
    for options in ({"door_width": 0}, {"door_width": 24, "doors": "fixed"}):
        _, report = control_map(find_method("floor_plan_rooms"), floor_plan(), options)
        assert "Rooms found: 1." in report, "without closing the doors it is one space"


@pytest.mark.parametrize("scale", [0.5, 1, 2, 3])
def test_doors_are_found_at_any_scale_of_the_plan(scale):
    plan = interpolate(floor_plan().movedim(-1, 1), scale_factor=scale, mode="nearest").movedim(1, -1)
    _, report = control_map(find_method("floor_plan_rooms"), plan, {})
    assert "Rooms found: 3." in report
    (width,) = map(int, re.findall(r"up to (\d+) pixels", report))
    assert 40 * scale <= width <= 40 * scale * 1.25, "the doors are 40 pixels wide at scale 1"


def test_windows_close_too():
    plan = floor_plan()
    plan[:, 20:28, 80:140], plan[:, 356:364, 300:350], plan[:, 240:300, 484:492] = 1, 1, 1
    plan[:, 24, 80:140] = 0  # glass, too thin for a wall
    assert "Rooms found: 3." in control_map(find_method("floor_plan_rooms"), plan, {})[1]


def test_a_width_that_parts_as_many_rooms_is_kept():
    maps, report = control_map(find_method("floor_plan_rooms"), floor_plan(), {"door_width": 60})
    assert "up to 60 pixels" in report
    assert torch.equal(
        maps, control_map(find_method("floor_plan_rooms"), floor_plan(), {"door_width": 60, "doors": "fixed"})[0]
    )


def test_light_lines_on_dark_are_the_same_plan():
    expected, _ = control_map(find_method("floor_plan_rooms"), floor_plan(), {})
    maps, report = control_map(find_method("floor_plan_rooms"), 1 - floor_plan(), {})
    assert torch.equal(maps, expected) and "The plan is drawn light on dark." in report
    _, told = control_map(find_method("floor_plan_rooms"), 1 - floor_plan(), {"wall_is": "dark"})
    assert "More than half of the plan counts as wall with wall_is dark" in told and "Set wall_is to auto" in told
    camera = {"camera_x": 0.25, "camera_y": 0.5}
    seen, report = control_map(find_method("floor_plan_depth"), 1 - floor_plan(), camera)
    assert torch.equal(seen, control_map(find_method("floor_plan_depth"), floor_plan(), camera)[0])
    assert "light on dark" in report


def test_a_photograph_in_place_of_a_plan_is_told():
    told, method = "thicker than a tenth of the plan. If this is a photograph", find_method("floor_plan_rooms")
    assert told in control_map(method, example_picture("astronaut"), {})[1]
    assert told not in control_map(method, floor_plan(), {})[1]


@pytest.mark.parametrize(
    ("plan", "options", "words"),
    [
        (
            torch.ones(1, 64, 64, 3),
            {},
            "walls are 0% of the plan. No line is thick enough for a wall: lower thinnest_wall",
        ),
        (floor_plan(), {"thinnest_wall": 20}, "lower thinnest_wall"),
        (floor_plan(), {"smallest_room": 0.5}, "lower smallest_room"),
        (1 - floor_plan(), {"wall_is": "dark", "smallest_room": 0.1}, "set wall_is to auto"),
    ],
)
def test_a_plan_without_a_room_stops_and_names_what_helps(plan, options, words):
    with pytest.raises(ValueError, match="Floor Plan Rooms: no room was found") as error:
        control_map(find_method("floor_plan_rooms"), plan, options)
    assert words in str(error.value)


def test_the_wall_ahead_is_as_far_as_the_plan_says():
    view = view_of(square_room(), CAMERA)
    assert abs(float(view.depth[100, 100]) - 4.5) < 0.05, "straight ahead, from the middle to the wall"
    assert torch.allclose(view.normals[100, 100], torch.tensor([0.0, 0.0, 1.0]), atol=0.05), "it faces the viewer"
    # A field of view of 90 degrees: half a picture is as far sideways as ahead, so floor appears 1.5 m below at that height.
    floor = view.depth[199, 100]
    assert abs(float(floor) - 1.5 / (99.5 / 100)) < 0.02
    assert torch.allclose(view.normals[199, 100], torch.tensor([0.0, 1.0, 0.0]), atol=1e-5), "the floor looks up"
    assert torch.allclose(view.normals[0, 100], torch.tensor([0.0, -1.0, 0.0]), atol=1e-5), "the ceiling looks down"


@pytest.mark.parametrize(("direction", "distance"), [(0.0, 4.5), (90.0, 7.0), (180.0, 4.5), (270.0, 2.0)])
def test_the_camera_looks_where_it_is_told(direction, distance):
    view = view_of(square_room(), {**CAMERA, "camera_x": 0.25, "direction": direction})
    assert abs(float(view.depth[100, 100]) - distance) < 0.06


def test_side_walls_face_inwards():
    view = view_of(square_room(), {**CAMERA, "field_of_view": 120.0})
    assert view.normals[100, 2, 0] > 0.95, "the left wall looks right"
    assert view.normals[100, 197, 0] < -0.95, "the right wall looks left"


def test_from_above_floors_walls_and_tops_are_seen():
    view = view_of(square_room(), {**CAMERA, "camera_height": 12.0, "tilt": -90.0})
    assert abs(float(view.depth[100, 100]) - 12.0) < 0.05, "the floor, straight down"
    # The top of a wall at 4.75 m from the middle appears at 4.75 / 9 of the half picture.
    column = 100 + round(4.75 / 9.0 * 100)
    assert abs(float(view.depth[100, column]) - 9.0) < 0.05
    assert torch.allclose(view.normals[100, column], torch.tensor([0.0, 0.0, 1.0]), atol=1e-4)


def test_the_sky_is_infinitely_far_without_a_ceiling():
    view = view_of(square_room(), {**CAMERA, "ceiling": False})
    assert torch.isinf(view.depth[0, 100]) and torch.isfinite(view.depth[199, 100])
    maps, _ = control_map(find_method("floor_plan_depth"), floor_plan(), {"camera_x": 0.25, "ceiling": False})
    assert maps[0, 0, 250, 0] == 0 and maps.amax() == 1, "near is white, the sky black"


def test_the_normal_map_has_the_axes_of_the_nets():
    options = {"camera_x": 0.25, "camera_y": 0.5, "plan_width": 10.0}
    maps, _ = control_map(find_method("floor_plan_normal"), floor_plan(), options)
    assert torch.allclose(maps[0, -1, 256], torch.tensor([0.5, 1.0, 0.5]), atol=0.01), "the floor is green"
    opengl, _ = control_map(find_method("floor_plan_normal"), floor_plan(), {**options, "convention": "opengl"})
    assert torch.allclose(opengl[..., 0], 1 - maps[..., 0], atol=1e-4) and torch.allclose(
        opengl[..., 1:], maps[..., 1:]
    )


def test_a_camera_in_a_wall_is_refused():
    with pytest.raises(ValueError, match="the camera stands in a wall"):
        control_map(find_method("floor_plan_depth"), floor_plan(), {"camera_x": 0.04})


def test_walls_are_thick_lines_only():
    options = {"wall_is": "dark", "threshold": 0, "thinnest_wall": 5}
    walls = walls_of(floor_plan(), options).masks[0]
    assert walls[24, 200] and not walls[61, 100] and not walls[200, 100]
    inverted = walls_of(1 - floor_plan(), {**options, "wall_is": "bright"}).masks[0]
    assert (walls != inverted).float().mean() < 0.001
