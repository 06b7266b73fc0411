"""A product that no one sells: a teal teapot with a mustard lid, photographed from all sides; and its place on a table."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image

from .solids import Array, View, render

COUNT, SIZE, LAYOUT_SIZE = 12, 256, 512
_TEAL, _MUSTARD, _TABLE, _WALL = (0.10, 0.48, 0.50), (0.90, 0.66, 0.16), (0.62, 0.46, 0.32), (0.78, 0.77, 0.75)
_BACKGROUNDS = ((0.93, 0.92, 0.90), (0.80, 0.84, 0.88), (0.86, 0.80, 0.74), (0.72, 0.76, 0.70))
_SURFACES = ((0.90, 0.89, 0.87), (0.66, 0.50, 0.36), (0.56, 0.60, 0.64))


def photo(number: int) -> Image.Image:
    """Photograph 0..COUNT-1: another side, height, light and background each time; the teapot fills most of it."""
    dice = random.Random(f"armature product {number}")
    view = View(
        yaw=number * math.tau / COUNT + dice.uniform(-0.1, 0.1),
        pitch=dice.uniform(0.15, 0.55),
        distance=dice.uniform(4.6, 5.4),
        zoom=2.9,
        light=(dice.uniform(-0.7, 0.7), 0.9, dice.uniform(0.2, 0.8)),
    )
    surface = np.asarray(dice.choice(_SURFACES), np.float32)
    picture, _depth = render(
        lambda at: _nearest(_teapot(at), _floor(at, surface)), view, SIZE, dice.choice(_BACKGROUNDS)
    )
    return Image.fromarray((picture * 255).round().astype(np.uint8))


def layout_depth() -> Image.Image:
    """Depth of the teapot on a table before a wall, near is white: where the product shall stand in the picture."""
    view = View(yaw=0.45, pitch=0.26, distance=7.0, target=(0.0, 1.0, 0.0))
    _picture, distance = render(_on_table, view, LAYOUT_SIZE, (0.0, 0.0, 0.0))
    near = 1 / distance
    grey = (near - near.min()) / (near.max() - near.min())
    return Image.fromarray((grey * 255).round().astype(np.uint8))


def _teapot(at: Array) -> tuple[Array, Array]:
    """Body, lid, knob, spout and handle. Distances by Quilez' formulas for primitives."""
    body = _ellipsoid(at, (0.0, 0.72, 0.0), (0.95, 0.72, 0.95))
    band = np.where(np.abs(at[:, 1:2] - 0.62) < 0.09, _MUSTARD, _TEAL).astype(np.float32)
    lid = _ellipsoid(at, (0.0, 1.36, 0.0), (0.46, 0.14, 0.46))
    knob = np.linalg.norm(at - _row((0.0, 1.56, 0.0)), axis=1) - 0.12
    spout = _rod(at, (0.75, 0.62, 0.0), (1.45, 1.26, 0.0), 0.2, 0.1)
    ring = np.linalg.norm(at[:, :2] - _row((-1.0, 0.76)), axis=1) - 0.44
    handle = np.hypot(ring, at[:, 2]) - 0.09
    pot = (np.minimum(body, np.minimum(spout, handle)), band)
    return _nearest(pot, (np.minimum(lid, knob), np.broadcast_to(_row(_MUSTARD), at.shape)))


def _row(values: tuple[float, ...]) -> Array:
    return np.asarray(values, np.float32)


def _floor(at: Array, colour: Array) -> tuple[Array, Array]:
    return at[:, 1], np.broadcast_to(colour, at.shape)


def _on_table(at: Array) -> tuple[Array, Array]:
    top = _slab(at, (0.0, -0.1, 0.0), (2.6, 0.1, 1.6))
    legs = [_slab(at, (x, -1.4, z), (0.1, 1.3, 0.1)) for x in (-2.4, 2.4) for z in (-1.4, 1.4)]
    table = np.minimum.reduce([top, *legs])
    room = np.minimum(at[:, 2] + 4.0, np.minimum(at[:, 1] + 2.7, 5.5 + at[:, 0]))
    scene = _nearest(_teapot(at), (table, np.broadcast_to(_row(_TABLE), at.shape)))
    return _nearest(scene, (room, np.broadcast_to(_row(_WALL), at.shape)))


def _nearest(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    first = one[0] < other[0]
    return np.where(first, one[0], other[0]), np.where(first[:, None], one[1], other[1])


def _ellipsoid(at: Array, middle: tuple[float, ...], radii: tuple[float, ...]) -> Array:
    scaled = (at - _row(middle)) / _row(radii)
    near = np.linalg.norm(scaled, axis=1)
    return near * (near - 1) / np.linalg.norm(scaled / _row(radii), axis=1).clip(1e-6)


def _slab(at: Array, middle: tuple[float, ...], half: tuple[float, ...]) -> Array:
    off = np.abs(at - _row(middle)) - _row(half)
    return np.linalg.norm(off.clip(0), axis=1) + off.max(1).clip(max=0)


def _rod(at: Array, start: tuple[float, ...], end: tuple[float, ...], wide: float, narrow: float) -> Array:
    axis = _row(end) - _row(start)
    along = (((at - _row(start)) @ axis) / (axis @ axis)).clip(0, 1)
    nearest = _row(start) + along[:, None] * axis
    return np.linalg.norm(at - nearest, axis=1) - (wide + (narrow - wide) * along)
