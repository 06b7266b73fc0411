"""A camera in a floor plan: the rays through its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ..entry import Option, Options

CAMERA_OPTIONS = (
    Option("camera_x", 0.5, "Where the camera stands: 0 is the left edge of the plan, 1 the right.", 0.0, 1.0, 0.01),
    Option("camera_y", 0.5, "Where the camera stands: 0 is the upper edge of the plan, 1 the lower.", 0.0, 1.0, 0.01),
    Option(
        "camera_height",
        1.6,
        "Height of the camera above the floor in metres. Above the walls: from outside.",
        0.1,
        100.0,
        0.1,
    ),
    Option(
        "direction",
        0.0,
        "Where the camera looks, in degrees clockwise; 0 is up on the plan, 90 right.",
        0.0,
        360.0,
        1.0,
    ),
    Option(
        "tilt",
        0.0,
        "Degrees up; negative looks down. -90 looks straight at the floor.",
        -90.0,
        90.0,
        1.0,
        advanced=True,
    ),
    Option("field_of_view", 75.0, "Horizontal angle of view in degrees. 75 is a wide interior lens.", 10.0, 150.0, 1.0),
    Option("plan_width", 10.0, "Width of the whole plan in metres.", 0.5, 1000.0, 0.1),
    Option("wall_height", 2.6, "Height of the walls in metres.", 0.1, 100.0, 0.1),
    Option(
        "ceiling", True, "On: the rooms are covered, as long as the camera is below the walls' tops.", advanced=True
    ),
)


@dataclass(frozen=True)
class Camera:
    """place: x, y on the plan and z up, in metres; axes: [3,3] rows right, up, forward; focal: in widths of the picture."""

    place: tuple[float, float, float]
    axes: torch.Tensor
    focal: float

    def rays(self, size: tuple[int, int]) -> torch.Tensor:
        """[height,width,3] directions x, y, z whose part along the view is 1, so that their length scale is depth."""
        height, width = size
        across = (torch.arange(width) + 0.5 - width / 2) / (self.focal * width)
        up = -(torch.arange(height) + 0.5 - height / 2) / (self.focal * width)
        right, above, forward = self.axes
        return across.view(1, -1, 1) * right + up.view(-1, 1, 1) * above + forward


def camera_of(options: Options, aspect: float) -> Camera:
    """The camera of the options; `aspect` is height by width of the plan. On the plan x is right and y is down."""
    yaw, tilt = math.radians(options["direction"]), math.radians(options["tilt"])
    heading = torch.tensor([math.sin(yaw), -math.cos(yaw), 0.0])
    up = torch.tensor([0.0, 0.0, 1.0])
    right = torch.tensor([math.cos(yaw), math.sin(yaw), 0.0])
    forward = math.cos(tilt) * heading + math.sin(tilt) * up
    above = math.cos(tilt) * up - math.sin(tilt) * heading
    width = options["plan_width"]
    place = (options["camera_x"] * width, options["camera_y"] * width * aspect, options["camera_height"])
    return Camera(
        place, torch.stack([right, above, forward]), 0.5 / math.tan(math.radians(options["field_of_view"]) / 2)
    )
