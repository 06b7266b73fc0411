"""Sphere tracing of a few smooth solids: pictures and exact depth of a thing that has to look alike from all sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
# Points [N,3] -> distance [N] to the nearest surface, and its colour [N,3].
Thing = Callable[[Array], tuple[Array, Array]]

_STEPS, _NEAR, _FAR = 90, 1e-3, 30.0
_AMBIENT, _DIFFUSE, _GLOSS = 0.42, 0.62, 0.35


@dataclass(frozen=True)
class View:
    """Camera on a circle around `target`. yaw, pitch: radians; distance: units; light: direction to it."""

    yaw: float
    pitch: float
    distance: float
    target: tuple[float, float, float] = (0.0, 0.7, 0.0)
    light: tuple[float, float, float] = (0.5, 0.8, 0.4)
    zoom: float = 2.2


def render(thing: Thing, view: View, size: int, background: tuple[float, float, float]) -> tuple[Array, Array]:
    """(picture [S,S,3] in 0..1, distance [S,S]; infinite where nothing is) of a thing; 4 samples for each pixel."""
    side = size * 2
    eye, rays = _rays(view, side)
    hit, points = _march(thing, eye, rays)
    colour = np.broadcast_to(np.asarray(background, np.float32), rays.shape).copy()
    colour[hit] = _shaded(thing, points[hit], rays[hit], np.asarray(view.light, np.float32))
    depth = np.where(hit, np.linalg.norm(points - eye, axis=1), np.inf).reshape(side, side)[::2, ::2]
    return colour.reshape(size, 2, size, 2, 3).mean((1, 3)).clip(0, 1), depth


def _rays(view: View, side: int) -> tuple[Array, Array]:
    forward = -np.array(
        [math.sin(view.yaw) * math.cos(view.pitch), math.sin(view.pitch), math.cos(view.yaw) * math.cos(view.pitch)]
    )
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    across = ((np.arange(side) + 0.5) / side - 0.5) * 2
    x, y = np.meshgrid(across, -across)
    rays = x.reshape(-1, 1) * right + y.reshape(-1, 1) * up + view.zoom * forward
    rays = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)
    return (np.asarray(view.target) - view.distance * forward).astype(np.float32), rays


def _march(thing: Thing, eye: Array, rays: Array) -> tuple[Array, Array]:
    """Which rays meet the thing, and where each ended."""
    length, eye = np.zeros(len(rays), np.float32), np.broadcast_to(eye, rays.shape)
    going = np.arange(len(rays))
    hit = np.zeros(len(rays), bool)
    for _ in range(_STEPS):
        step = thing(eye[going] + rays[going] * length[going, None])[0]
        length[going] += step
        hit[going[step < _NEAR]] = True
        going = going[(step >= _NEAR) & (length[going] < _FAR)]
    return hit, eye + rays * length[:, None]


def _shaded(thing: Thing, points: Array, rays: Array, light: Array) -> Array:
    light = light / np.linalg.norm(light)
    normal = _normals(thing, points)
    blocked, _ends = _march(thing, points + normal * 0.02, np.broadcast_to(light, points.shape))
    lit = (normal @ light).clip(0, 1) * np.where(blocked, 0.25, 1.0)
    mirrored = rays - 2 * (rays * normal).sum(1, keepdims=True) * normal
    gloss = (mirrored @ light).clip(0, 1) ** 24 * ~blocked
    colour = thing(points)[1]
    return colour * (_AMBIENT + _DIFFUSE * lit)[:, None] + _GLOSS * gloss[:, None] * (
        colour.max(1, keepdims=True) > 0.3
    )


def _normals(thing: Thing, points: Array) -> Array:
    steps = np.eye(3, dtype=np.float32) * 2e-3
    slope = np.stack([thing(points + step)[0] - thing(points - step)[0] for step in steps], -1)
    return slope / np.linalg.norm(slope, axis=1, keepdims=True).clip(1e-9)
