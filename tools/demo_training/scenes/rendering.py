"""Scenes to pictures and exact maps, many at a time, on any device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import avg_pool2d, normalize

from .layout import Scene
from .tracing import MISS, Bodies, bodies, normal, trace
from .vocabulary import FLOORS

SIZE = 128
_SAMPLES = 2  # per pixel and axis
_DISTANCE, _TARGET_HEIGHT, _VIEW = 7.0, 0.42, 0.30  # floor units; tangent of half the angle of view
_AMBIENT, _DIFFUSE, _GLOSS = 0.46, 0.72, 0.16
_LIGHT_RADIUS = 0.09  # of the light on the unit sphere: how soft shadows are
_NEAR, _FAR = 5.0, 20.0  # distances that the depth map shows as white and as black, by their inverse


@dataclass(frozen=True)
class Rendered:
    """Pictures and maps of B scenes, [B,C,S,S] in 0..1.

    depth: inverse distance, near is white. normals: camera frame, x right, y up, z to the viewer, as (n + 1) / 2.
    segmentation [B,1,S,S]: 0 floor, 1.. the object's number. edges [B,1,S,S]: where the surface seen changes, silhouettes
    and creases; shadows make none. Maps are sampled at one point of each pixel, pictures averaged over four.
    """

    images: torch.Tensor
    depth: torch.Tensor
    normals: torch.Tensor
    segmentation: torch.Tensor
    edges: torch.Tensor


def render(scenes: list[Scene], size: int = SIZE, device: torch.device | str = "cpu") -> Rendered:
    """Draw these scenes. Memory: about 4 MB for each picture of 128 pixels."""
    device = torch.device(device)
    these, side = bodies(scenes, device), size * _SAMPLES
    eye, axes = _cameras(scenes, device)
    rays = _rays(axes, side)
    seen = trace(these, eye[:, None], rays)
    near, which = seen.near.min(1)
    face = seen.face.gather(1, which[:, None])[:, 0]
    floor = (-eye[:, 1, None] / rays[..., 1].clamp(max=-1e-4)).clamp(max=40.0)
    solid = near < floor
    distance = torch.where(solid, near, floor)
    points = eye[:, None] + distance[..., None] * rays
    up = torch.tensor((0.0, 1.0, 0.0), device=device)
    normals = torch.where(solid[..., None], normal(these, which, points, face), up)
    ground = torch.tensor([FLOORS[scene.floor] for scene in scenes], device=device)[:, None]
    albedo = torch.where(solid[..., None], these.colour.gather(1, which[..., None].expand(-1, -1, 3)), ground)
    light = _light(scenes, side, device)
    shaded = _shade(these, points, normals, albedo, rays, light, solid)
    parts = torch.where(solid, which + 1, 0)
    surface = parts * 16 + torch.where(solid, face, 0)

    def picture(values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(1, (side, side)).movedim(-1, 1)

    def sampled(values: torch.Tensor) -> torch.Tensor:
        return picture(values)[:, :, ::_SAMPLES, ::_SAMPLES]

    along = distance * (rays * axes[:, 2][:, None]).sum(-1)
    depth = ((1 / along - 1 / _FAR) / (1 / _NEAR - 1 / _FAR)).clamp(0, 1)
    towards = torch.einsum("bnc,bac->bna", normals, axes) * torch.tensor((1.0, 1.0, -1.0), device=device)
    return Rendered(
        images=avg_pool2d(picture(shaded), _SAMPLES).clamp(0, 1),
        depth=sampled(depth[..., None]),
        normals=sampled(towards * 0.5 + 0.5),
        segmentation=sampled(parts[..., None]),
        edges=_changes(sampled(surface[..., None])),
    )


def _cameras(scenes: list[Scene], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Eye [B,3] and the camera's axes [B,3,3]: right, up, forward."""
    elevation = torch.tensor([scene.camera_elevation for scene in scenes], device=device)
    cosine, sine, zero = elevation.cos(), elevation.sin(), torch.zeros_like(elevation)
    eye = torch.stack((zero, sine * _DISTANCE + _TARGET_HEIGHT, cosine * _DISTANCE), -1)
    right = torch.stack((zero + 1, zero, zero), -1)
    up = torch.stack((zero, cosine, -sine), -1)
    forward = torch.stack((zero, -sine, -cosine), -1)
    return eye, torch.stack((right, up, forward), 1)


def _rays(axes: torch.Tensor, side: int) -> torch.Tensor:
    """Unit directions [B,side*side,3] through the sample points, row by row."""
    steps = ((torch.arange(side, device=axes.device) + 0.5) / side * 2 - 1) * _VIEW
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    plane = torch.stack((across, -down, torch.ones_like(down)), -1).flatten(0, 1)
    return normalize(plane @ axes, dim=-1)


def _light(scenes: list[Scene], side: int, device: torch.device) -> torch.Tensor:
    """Directions [B,side*side,3] to the light. Each sample of a pixel sees another point of it: soft shadows for nothing."""
    rows = []
    for scene in scenes:
        flat = math.cos(scene.light_elevation)
        rows.append(
            (
                flat * math.cos(scene.light_azimuth),
                math.sin(scene.light_elevation),
                flat * math.sin(scene.light_azimuth),
            )
        )
    centre = torch.tensor(rows, device=device)
    corner = torch.tensor(((-1.0, -0.4), (0.4, -1.0), (-0.4, 1.0), (1.0, 0.4)), device=device) * _LIGHT_RADIUS
    offsets = torch.stack((corner[:, 0], torch.zeros(4, device=device), corner[:, 1]), -1).view(2, 2, 3)
    tiled = offsets.repeat(side // 2, side // 2, 1).flatten(0, 1)
    return normalize(centre[:, None] + tiled, dim=-1)


def _shade(
    these: Bodies,
    points: torch.Tensor,
    normals: torch.Tensor,
    albedo: torch.Tensor,
    rays: torch.Tensor,
    light: torch.Tensor,
    solid: torch.Tensor,
) -> torch.Tensor:
    """Colours [B,N,3]: sky and sun, a shadow, a little gloss on solids, darker floor where a body stands on it."""
    start = points + normals * 2e-3
    lit = (trace_pairwise(these, start, light) >= MISS).float()
    facing = (normals * light).sum(-1).clamp(min=0)
    sky = _AMBIENT * (0.72 + 0.28 * normals[..., 1])
    away = (points[:, None, :, 0] - these.place[:, :, None, 0]) ** 2 + (
        points[:, None, :, 2] - these.place[:, :, None, 2]
    ) ** 2
    contact = torch.exp(-away / (1.1 * these.radius[..., None]).clamp(min=1e-3) ** 2)
    sky = sky * (1 - 0.45 * contact.amax(1) * (~solid | (points[..., 1] < 0.05)))
    half = normalize(light - rays, dim=-1)
    gloss = _GLOSS * (normals * half).sum(-1).clamp(min=0) ** 24 * lit * solid
    reach = (points[..., 0] ** 2 + (points[..., 2] - 0.4) ** 2) * ~solid
    fade = 1 / (1 + 0.014 * reach)
    brightness = (sky + _DIFFUSE * facing * lit) * fade
    return albedo * brightness[..., None] + gloss[..., None]


def trace_pairwise(these: Bodies, origins: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Distance [B,N] to the nearest body in front of each origin, MISS where the way is free."""
    near = trace(these, origins, directions).near
    return torch.where(near > 1e-3, near, MISS).amin(1)


def _changes(surface: torch.Tensor) -> torch.Tensor:
    """1.0 at pixels whose right or lower neighbour shows another surface."""
    edges = torch.zeros_like(surface, dtype=torch.float32)
    edges[..., :, :-1] += (surface[..., :, 1:] != surface[..., :, :-1]).float()
    edges[..., :-1, :] += (surface[..., 1:, :] != surface[..., :-1, :]).float()
    return edges.clamp(max=1)
