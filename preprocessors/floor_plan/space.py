"""Looking into the space that the walls of a plan enclose: depth and normals of each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate, normalize

from ..entry import Options
from ..filters import blurred
from .camera import Camera, camera_of

_CELLS = 512  # longest side of the plan while rays run through it
_FINEST = 0.2  # cells that a ray goes on where a wall is near
_NOWHERE = 1e4  # metres: the sky, and the world beyond the plan


@dataclass(frozen=True)
class View:
    """depth [h,w] in metres along the view (infinite: nothing there) and normals [h,w,3] right, up, towards the viewer."""

    depth: torch.Tensor
    normals: torch.Tensor


def view_of(walls: torch.Tensor, options: Options) -> View:
    """What the camera of the options sees between walls [h,w] of bool, at the size of the plan.

    ValueError when the camera stands in a wall.
    """
    height, width = walls.shape
    camera = camera_of(options, height / width)
    plan = _reduced(walls)
    cell = options["plan_width"] / plan.shape[1]
    if camera.place[2] < options["wall_height"] and _at(plan, *(place / cell for place in camera.place[:2])):
        raise ValueError(
            "Floor plan: the camera stands in a wall. Move camera_x or camera_y, or lift it above wall_height."
        )
    rays = camera.rays((height, width)).reshape(-1, 3)
    level, level_normal = _floor_and_ceiling(camera, rays, options)
    hit, hit_normal = _walls(plan, camera, rays, cell, options["wall_height"], level)
    depth = torch.where(hit < level, hit, level)
    normal = torch.where((hit < level).unsqueeze(-1), hit_normal, level_normal)
    depth = torch.where(depth < _NOWHERE, depth, torch.inf)
    seen = normal @ (camera.axes * torch.tensor([1.0, 1.0, -1.0]).unsqueeze(1)).T
    return View(depth.view(height, width), seen.view(height, width, 3))


def _reduced(walls: torch.Tensor) -> torch.Tensor:
    longest = max(walls.shape)
    if longest <= _CELLS:
        return walls
    size = [max(1, round(side * _CELLS / longest)) for side in walls.shape]
    return interpolate(walls.float()[None, None], size, mode="area")[0, 0] >= 0.5


def _at(plan: torch.Tensor, x: float, y: float) -> bool:
    row, column = min(int(y), plan.shape[0] - 1), min(int(x), plan.shape[1] - 1)
    return bool(plan[row, column])


def _floor_and_ceiling(camera: Camera, rays: torch.Tensor, options: Options) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each ray meets the floor or the ceiling, and the normal there."""
    climb = rays[:, 2]
    height, top = camera.place[2], options["wall_height"]
    floor = torch.where(climb < -1e-6, -height / climb, _NOWHERE)
    covered = options["ceiling"] and height < top
    ceiling = (
        torch.where(climb > 1e-6, (top - height) / climb, _NOWHERE) if covered else torch.full_like(climb, _NOWHERE)
    )
    normal = torch.zeros_like(rays)
    normal[:, 2] = torch.where(floor < ceiling, 1.0, -1.0)
    return torch.minimum(floor, ceiling).clamp(max=_NOWHERE), normal


def _walls(
    plan: torch.Tensor, camera: Camera, rays: torch.Tensor, cell: float, top: float, limit: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How far each ray runs to a wall, and the normal there. From above, a ray may end on the top of a wall.

    All walls are of one height, so below their tops it is a way across the plan: sphere tracing (Hart 1996) on the
    distance to the nearest wall.
    """
    start = ((top - camera.place[2]) / rays[:, 2]).clamp(min=0) if camera.place[2] > top else torch.zeros(len(rays))
    start = torch.where((rays[:, 2] < 0) | (camera.place[2] <= top), start, _NOWHERE)
    over = (top - camera.place[2]) / rays[:, 2]  # where a ray that climbs is above all walls
    limit = torch.where((over > 0) & (rays[:, 2] > 0), torch.minimum(limit, over), limit)
    place, way = torch.tensor(camera.place[:2]) / cell, rays[:, :2] / cell
    hit, before = _traced(plan, place, way, start, limit)
    at = (place + way * hit.unsqueeze(-1)).floor().long()
    rows, columns = plan.shape
    normal = _wall_normals(plan)[at[:, 1].clamp(0, rows - 1), at[:, 0].clamp(0, columns - 1)]
    on_top = (camera.place[2] > top) & (hit <= start)
    normal = torch.where(on_top.unsqueeze(-1), torch.tensor([0.0, 0.0, 1.0]), normal)
    # A wall that is there is hit before what lies behind it; its top may just touch the limit.
    return torch.where(before, hit, _NOWHERE), normal


def _traced(
    plan: torch.Tensor, place: torch.Tensor, way: torch.Tensor, start: torch.Tensor, limit: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(lengths of the rays, whether each ended in a wall); `place` and `way` are in cells, lengths in those of `way`."""
    clearance = _clearance(plan)
    size = torch.tensor([plan.shape[1], plan.shape[0]])
    speed = way.norm(dim=1).clamp(min=1e-6)
    length, ended = start.clone(), torch.zeros(len(way), dtype=torch.bool)
    alive = (start < limit).nonzero()[:, 0]
    for _ in range(int(size.sum()) * 4):
        if not len(alive):
            break
        at = place + way[alive] * length[alive].unsqueeze(-1)
        # Outside the plan the rays go on over open ground until they are sure to have passed it.
        inside = ((at >= 0) & (at < size)).all(1)
        cells = torch.minimum(at.clamp(min=0).long(), size - 1)
        free = torch.where(inside, clearance[cells[:, 1], cells[:, 0]], 1.0)
        wall = inside & (free <= 0)
        ended[alive[wall]] = True
        length[alive] += torch.where(wall, 0.0, (free - 1).clamp(min=_FINEST) / speed[alive])
        passed = ((at < 0) & (way[alive] <= 0) | (at >= size) & (way[alive] >= 0)).any(1)
        alive = alive[~wall & ~passed & (length[alive] < limit[alive])]
    return length, ended


def _clearance(plan: torch.Tensor) -> torch.Tensor:
    """Distance of each cell to the nearest wall, in cells; 0 in walls."""
    from scipy.ndimage import distance_transform_edt

    if not bool(plan.any()):
        return torch.full(plan.shape, float(sum(plan.shape)))
    return torch.from_numpy(distance_transform_edt(~plan.numpy())).float()


def _wall_normals(plan: torch.Tensor) -> torch.Tensor:
    """[rows,columns,3] pointing out of the walls, smooth over the steps of slanting ones."""
    soft = blurred(plan.float()[None, None], 2.0)[0, 0]
    down, right = (
        torch.gradient(soft, dim=axis)[0] if soft.shape[axis] > 1 else torch.zeros_like(soft) for axis in (0, 1)
    )
    return normalize(torch.stack([-right, -down, torch.zeros_like(soft)], -1), dim=-1)
