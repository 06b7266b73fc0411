"""Floor plans and sketches of rooms: dark walls on paper, as `Floor Plan Rooms` and `Floor Plan Depth` read them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZE = 512
_CLEAN, _SKETCHED = 10, 9  # width of walls in pixels
_PAPER, _INK, _FURNITURE = 255, 20, 150
_DOOR = 22  # pixels: Floor Plan Rooms closes gaps up to 24
_STROKES, _WOBBLE = 3, 1.6  # of a sketched wall: so many strokes, each point off by so many pixels

Point = tuple[float, float]
Wall = tuple[float, float, float, float]  # x0, y0, x1, y1 in units of the plan, 0..16


@dataclass(frozen=True)
class Plan:
    """walls: lines, doors: middles of gaps in them, tables: thin boxes x0, y0, x1, y1 that no wall finder should take."""

    walls: tuple[Wall, ...]
    doors: tuple[Point, ...]
    tables: tuple[Wall, ...] = ()
    sketched: bool = False


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[Wall, ...]:
    return ((x0, y0, x1, y0), (x1, y0, x1, y1), (x1, y1, x0, y1), (x0, y1, x0, y0))


PLANS: tuple[Plan, ...] = (
    Plan((*_box(1, 1, 15, 15), (8, 1, 8, 15), (8, 8, 15, 8)), ((8, 4), (8, 12), (4, 15)), ((2.5, 5, 5, 9),)),
    Plan(
        (*_box(1, 2, 15, 14), (6, 2, 6, 9), (1, 9, 10, 9), (10, 6, 10, 14), (10, 6, 15, 6)),
        ((6, 5), (4, 9), (10, 12), (12, 6), (13, 14)),
        ((11.5, 8.5, 13.5, 11), (2, 3.5, 4, 6)),
    ),
    Plan(
        (
            *((1, 1, 10, 1), (10, 1, 10, 7), (10, 7, 15, 7), (15, 7, 15, 15), (15, 15, 1, 15), (1, 15, 1, 1)),
            *((1, 7, 10, 7), (6, 7, 6, 15)),
        ),
        ((5, 7), (6, 12), (12, 15)),
        ((8, 10, 11, 12), (3, 3, 7, 5)),
    ),
    Plan(
        (*_box(1, 3, 15, 13), (5, 3, 5, 13), (11, 3, 11, 13), (5, 8, 11, 8)),
        ((5, 5.5), (11, 10.5), (8, 8), (8, 13)),
        ((12, 5, 14, 8), (2, 9, 4, 11.5)),
    ),
    Plan(
        (*_box(2, 1, 14, 15), (2, 6, 7, 6), (7, 1, 7, 6), (9, 6, 14, 6), (9, 6, 9, 15), (2, 11, 9, 11)),
        ((5, 6), (9, 13), (9, 8), (6, 11), (7, 15)),
        ((3.5, 7.5, 6, 9),),
    ),
    Plan((*_box(1.5, 2, 14.5, 14), (8.5, 2, 8.5, 14)), ((8.5, 8), (5, 14)), ((3, 4, 6, 7),), sketched=True),
    Plan(
        (*_box(1, 1.5, 15, 14.5), (1, 8, 9, 8), (9, 1.5, 9, 14.5)),
        ((5, 8), (9, 5), (9, 11.5)),
        ((11, 5, 13.5, 9),),
        sketched=True,
    ),
    Plan(
        ((2, 2, 14, 2), (14, 2, 14, 10), (14, 10, 9, 14), (9, 14, 2, 14), (2, 14, 2, 2), (8, 2, 8, 9), (2, 9, 8, 9)),
        ((8, 5), (5, 9), (5, 14)),
        ((10, 4, 12.5, 7),),
        sketched=True,
    ),
)


def draw_plan(plan: Plan) -> Image.Image:
    """The plan in grey, SIZE pixels square."""
    image = Image.new("L", (SIZE, SIZE), _PAPER)
    pen = ImageDraw.Draw(image)
    dice = random.Random(f"armature floor plan {PLANS.index(plan)}")
    for wall in plan.walls:
        _sketch(pen, wall, dice) if plan.sketched else pen.line(_pixels(wall), _INK, _CLEAN)
    for x0, y0, x1, y1 in () if plan.sketched else plan.walls:  # square corners
        for x, y in ((x0, y0), (x1, y1)):
            _square(pen, (x, y), _CLEAN / 2, _INK)
    for door in plan.doors:
        _square(pen, door, _DOOR / 2, _PAPER)
    for table in plan.tables:
        pen.rectangle(_pixels(table), outline=_FURNITURE, width=1)
    return image


def _pixels(wall: Wall) -> list[float]:
    return [value * SIZE / 16 for value in wall]


def _square(pen: ImageDraw.ImageDraw, at: Point, half: float, tone: int) -> None:
    x, y = (value * SIZE / 16 for value in at)
    pen.rectangle((x - half, y - half, x + half - 1, y + half - 1), fill=tone)


def _sketch(pen: ImageDraw.ImageDraw, wall: Wall, dice: random.Random) -> None:
    """A wall as a hand draws it: some strokes over each other, a little too long, none quite straight."""
    x0, y0, x1, y1 = _pixels(wall)
    length = math.dist((x0, y0), (x1, y1))
    for _ in range(_STROKES):
        over = dice.uniform(0.0, 7.0) / length
        points = [
            (x0 + (x1 - x0) * t + dice.gauss(0, _WOBBLE), y0 + (y1 - y0) * t + dice.gauss(0, _WOBBLE))
            for t in (-over, 0.33, 0.66, 1 + over)
        ]
        pen.line(points, _INK, _SKETCHED - 2, joint="curve")
