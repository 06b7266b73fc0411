"""Rays against many convex solids at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .layout import Scene
from .vocabulary import COLOURS, SOLIDS

_SOLIDS = {solid.name: solid for solid in SOLIDS}
_EPSILON = 1e-6
MISS = 1e9


@dataclass(frozen=True)
class Bodies:
    """The objects of B scenes as tensors: K places each, P planes each; places without an object have radius 0.

    place [B,K,3], radius [B,K], turn [B,K,2] (cosine, sine of the yaw), planes [B,K,P,4], quadric [B,K,4], colour [B,K,3].
    """

    place: torch.Tensor
    radius: torch.Tensor
    turn: torch.Tensor
    planes: torch.Tensor
    quadric: torch.Tensor
    colour: torch.Tensor


@dataclass(frozen=True)
class Hit:
    """Where a ray [B,K,N] enters each body: distance (MISS if it does not), and the face: 0 curved, 1.. planes."""

    near: torch.Tensor
    face: torch.Tensor


def bodies(scenes: list[Scene], device: torch.device) -> Bodies:
    """The objects of these scenes on a device, with no more places and planes than they need."""
    places = max(len(scene.objects) for scene in scenes)
    count = max(1, *(len(_SOLIDS[one.solid].planes) for scene in scenes for one in scene.objects))
    rows = [[_row(scene, index, count) for index in range(places)] for scene in scenes]
    table = torch.tensor(rows, dtype=torch.float32).to(device)
    cut = [3, 4, 6, 6 + 4 * count, 10 + 4 * count]
    place, radius, turn, planes, quadric, colour = table.tensor_split(cut, -1)
    return Bodies(place, radius[..., 0], turn, planes.unflatten(-1, (count, 4)), quadric, colour)


def _row(scene: Scene, index: int, count: int) -> list[float]:
    if index >= len(scene.objects):
        solid, colour, numbers = SOLIDS[0], (0.0, 0.0, 0.0), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    else:
        placed = scene.objects[index]
        solid, colour = _SOLIDS[placed.solid], COLOURS[placed.colour]
        yaw = torch.tensor(placed.yaw)
        numbers = [placed.x, 0.0, placed.z, placed.radius, float(yaw.cos()), float(yaw.sin())]
    planes = [number for plane in solid.padded_planes(count) for number in plane]
    return [*numbers, *planes, *solid.quadric, *colour]


def local(these: Bodies, vectors: torch.Tensor, *, points: bool) -> tuple[torch.Tensor, ...]:
    """x, y, z of world vectors [B,1|N,3] in each body's own frame, each [B,K,N]; points are also moved."""
    x, y, z = (vectors[:, None, :, axis] for axis in range(3))
    if points:
        x, y, z = (value - these.place[:, :, None, axis] for axis, value in enumerate((x, y, z)))
    cosine, sine = these.turn[..., None, 0], these.turn[..., None, 1]
    scale = 1 / these.radius.clamp(min=_EPSILON)[..., None]
    return (cosine * x - sine * z) * scale, y * scale, (sine * x + cosine * z) * scale


def trace(these: Bodies, origins: torch.Tensor, directions: torch.Tensor) -> Hit:
    """Enter distances of rays [B,1|N,3] with every body.

    A body is an intersection of half spaces and a quadric, so the ray is inside between the last entry and the first exit.
    """
    ox, oy, oz = local(these, origins, points=True)
    dx, dy, dz = local(these, directions, points=False)
    near, far = _quadric_interval(these.quadric[..., None], (ox, oy, oz), (dx, dy, dz))
    face = torch.zeros_like(near, dtype=torch.uint8)
    for index in range(these.planes.shape[2]):
        nx, ny, nz, width = (these.planes[:, :, index, axis, None] for axis in range(4))
        slope = nx * dx + ny * dy + nz * dz
        cross = (width - (nx * ox + ny * oy + nz * oz)) / torch.where(slope.abs() < _EPSILON, _EPSILON, slope)
        entering = torch.where(slope < 0, cross, -MISS)
        face = torch.where(entering > near, index + 1, face)
        near = torch.maximum(near, entering)
        far = torch.minimum(far, torch.where(slope < 0, MISS, cross))
    base = -oy / torch.where(dy.abs() < _EPSILON, _EPSILON, dy)
    far = torch.where(dy < 0, torch.minimum(far, base), far)
    near = torch.where(dy >= 0, torch.maximum(near, base), near)
    hit = (near < far) & (far > 1e-3) & (these.radius[..., None] > 0)
    return Hit(torch.where(hit, near, MISS), face)


def _quadric_interval(
    quadric: torch.Tensor, origin: tuple[torch.Tensor, ...], direction: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Entry and exit of a (x^2 + z^2) + b y^2 + e y + f <= 0 along the ray; an empty interval where it misses.

    Rays steeper than a cone's side are not needed: the camera and the light stand lower than that.
    """
    a, b, e, f = (quadric[:, :, axis] for axis in range(4))
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    second = (a * (dx * dx + dz * dz) + b * dy * dy).clamp(min=_EPSILON)
    first = a * (ox * dx + oz * dz) + b * oy * dy + e * dy / 2
    zeroth = a * (ox * ox + oz * oz) + b * oy * oy + e * oy + f
    inside = first * first - second * zeroth
    root = inside.clamp(min=0).sqrt()
    near, far = (-first - root) / second, (-first + root) / second
    return torch.where(inside > 0, near, MISS), torch.where(inside > 0, far, -MISS)


def normal(these: Bodies, which: torch.Tensor, points: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Unit normals [B,N,3] in the world at points [B,N,3] on the bodies `which` [B,N] and their faces [B,N]."""
    x, y, z = (value.gather(1, which[:, None])[:, 0] for value in local(these, points, points=True))
    a, b, e, _f = (these.quadric[..., axis].gather(1, which) for axis in range(4))
    curved = torch.stack((a * x, b * y + e / 2, a * z), -1)
    table = these.planes[..., :3].flatten(1, 2)
    row = (which * these.planes.shape[2] + (faces.long() - 1).clamp(min=0))[..., None].expand(-1, -1, 3)
    flat = table.gather(1, row)
    nx, ny, nz = torch.where(faces[..., None] > 0, flat, curved).unbind(-1)
    cosine, sine = (these.turn[..., axis].gather(1, which) for axis in range(2))
    world = torch.stack((cosine * nx + sine * nz, ny, cosine * nz - sine * nx), -1)
    return torch.nn.functional.normalize(world, dim=-1)
