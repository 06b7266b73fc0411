"""What stands where: a scene as plain numbers, drawn from a name and an index so that anyone can draw it again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from .vocabulary import COLOURS, FLOORS, SOLIDS

TRAINING, HELD_OUT = "training", "held out"
_COUNT_WEIGHTS = (0.45, 0.37, 0.18)
_RADII = ((0.55, 0.88), (0.44, 0.66), (0.38, 0.54))  # by the number of objects, in floor units
_TOO_CLOSE = ({"pink", "red"}, {"orange", "yellow"}, {"cyan", "blue"}, {"blue", "purple"}, {"white", "gray"})


@dataclass(frozen=True)
class Placed:
    """A solid on the floor. x, z, radius: floor units; yaw: radians."""

    solid: str
    colour: str
    x: float
    z: float
    radius: float
    yaw: float

    @property
    def name(self) -> str:
        return f"a {self.colour} {self.solid}" if self.colour != "orange" else f"an orange {self.solid}"


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture. Angles in radians: the camera's elevation; the light's azimuth and elevation."""

    objects: tuple[Placed, ...]
    floor: str
    camera_elevation: float
    light_azimuth: float
    light_elevation: float

    @property
    def caption(self) -> str:
        names = [placed.name for placed in self.objects]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{listed} on a {self.floor} floor"


def scene(split: str, index: int) -> Scene:
    """The scene of this number. `split` (TRAINING or HELD_OUT) seeds it, so that the two never share one."""
    dice = random.Random(f"armature demo scene, {split}, {index}")
    count = dice.choices((1, 2, 3), _COUNT_WEIGHTS)[0]
    floor = dice.choice(list(FLOORS))
    objects: list[Placed] = []
    while len(objects) < count:
        radius = dice.uniform(*_RADII[count - 1])
        x, z = _place(dice, radius, objects)
        free = [colour for colour in COLOURS if not _confusing(colour, floor, objects)]
        solid, colour, yaw = dice.choice(SOLIDS).name, dice.choice(free), dice.uniform(-math.pi / 4, math.pi / 4)
        objects.append(Placed(solid, colour, x, z, radius, yaw))
    objects.sort(key=lambda placed: placed.x)  # the caption reads from left to right
    return Scene(
        tuple(objects),
        floor,
        camera_elevation=math.radians(dice.uniform(24, 34)),
        light_azimuth=math.radians(dice.uniform(105, 165)),
        light_elevation=math.radians(dice.uniform(42, 56)),
    )


def _place(dice: random.Random, radius: float, others: list[Placed]) -> tuple[float, float]:
    """A free place on the visible floor, the freest of some tries."""
    side = 1.75 - radius
    tries = [(dice.uniform(-side, side), dice.uniform(-0.9, 1.15)) for _ in range(24)]

    def room(place: tuple[float, float]) -> float:
        return min((math.dist(place, (o.x, o.z)) - 1.15 * (radius + o.radius) for o in others), default=1.0)

    return next((place for place in tries if room(place) > 0), max(tries, key=room))


def _confusing(colour: str, floor: str, objects: list[Placed]) -> bool:
    taken = {floor, *(placed.colour for placed in objects)}
    return colour in taken or any({colour, other} in _TOO_CLOSE for other in taken)
