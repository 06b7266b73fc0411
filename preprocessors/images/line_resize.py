"""Lines at another size: drawn anew from cell to cell, so that none breaks, vanishes or grows thicker.

A cell is a lit pixel of the map as it came; its place is where the middle of that pixel lies at the new size.
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import max_pool2d, pad

from .thinning import thinned

# Right, down, and both diagonals: each pair of neighbours once.
_LINKS = ((0, 1), (1, 0), (1, 1), (1, -1))
_MOST_ROUNDS = 16  # strands side by side in one spot; photographs at a tenth of their size take 5


def lines_at(lines: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[B,h,w] booleans to [B,*size]: one pixel wide, and every cell within one pixel of a line.

    Lines that fall together when a map shrinks become a blot; what thinning leaves of it is one line. Cells that this one does
    not reach get a line of their own beside it, as far away as it takes to stay apart.
    """
    drawn = _narrowed(_drawn(_narrowed(lines), size))
    if size[0] >= lines.shape[-2] and size[1] >= lines.shape[-1]:
        return drawn
    wanted = _drawn(thinned(lines), size)
    for _ in range(_MOST_ROUNDS):
        missing = wanted & ~_beside(drawn)
        if not bool(missing.any()):
            break
        drawn |= thinned(missing)
    return drawn


def kept_cells(ink: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """For a map that shrinks: where the middle lines of ink [B,h,w] pass, as [B,*size] of the index y * w + x of a cell of
    theirs, and -1 elsewhere.
    """
    batch, height, width = ink.shape
    which, rows, columns = thinned(ink).nonzero().unbind(1)
    places = _flat(which, _at(rows, 0.5, height, size[0]), _at(columns, 0.5, width, size[1]), size)
    cells = torch.full((batch * size[0] * size[1],), -1, dtype=torch.long, device=ink.device)
    # The greatest of those that meet in a pixel: which one is written last is not the same on every device.
    return cells.scatter_reduce_(0, places, rows * width + columns, "amax").view(batch, *size)


def _drawn(lines: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Each cell at its place, with straight lines between neighbours, and what lies between four of them filled."""
    canvas = torch.zeros(lines.shape[0] * size[0] * size[1], dtype=torch.bool, device=lines.device)
    height, width = lines.shape[-2:]
    steps = max(1, math.ceil(size[0] / height)), max(1, math.ceil(size[1] / width))

    def put(cells: torch.Tensor, down: float, right: float) -> None:
        which, rows, columns = cells.nonzero().unbind(1)
        canvas[
            _flat(which, _at(rows, 0.5 + down, height, size[0]), _at(columns, 0.5 + right, width, size[1]), size)
        ] = True

    put(lines, 0.0, 0.0)
    for down, right in _LINKS:
        linked = _linked(lines, down, right)
        count = max(steps[0] * down, steps[1] * abs(right))
        for step in range(1, count):
            put(linked, down * step / count, right * step / count)
    squares = _squares(lines)
    for down in range(1, steps[0]):
        for right in range(1, steps[1]):
            put(squares, down / steps[0], right / steps[1])
    return canvas.view(lines.shape[0], *size)


def _narrowed(drawn: torch.Tensor) -> torch.Tensor:
    """Thinned where it is more than one pixel wide. Elsewhere thinning would cut the corners of single lines."""
    wide = max_pool2d(pad(_squares(drawn).float(), (1, 0, 1, 0)).unsqueeze(1), 2, stride=1)[:, 0] > 0
    return thinned(drawn) | (drawn & ~wide)


def _squares(lines: torch.Tensor) -> torch.Tensor:
    """The upper left of each four that are all lit."""
    return lines & _shifted(lines, 0, 1) & _shifted(lines, 1, 0) & _shifted(lines, 1, 1)


def _linked(lines: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """Cells whose neighbour there is lit; over a corner only where no other way leads."""
    linked = lines & _shifted(lines, down, right)
    return linked & ~_shifted(lines, 0, right) & ~_shifted(lines, down, 0) if down and right else linked


def _shifted(lines: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """What each pixel's neighbour is; outside the picture nothing is lit."""
    height, width = lines.shape[-2:]
    return pad(lines, (1, 1, 0, 1))[:, down : down + height, 1 + right : 1 + right + width]


def _at(cells: torch.Tensor, middle: float, before: int, after: int) -> torch.Tensor:
    """The pixel in which a point of each cell lies, in one direction; exact in double precision for any size of picture."""
    return ((cells.double() + middle) * after / before).floor().long().clamp(max=after - 1)


def _flat(which: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return (which * size[0] + rows) * size[1] + columns


def _beside(lines: torch.Tensor) -> torch.Tensor:
    """Lines and all that lies within one pixel of them."""
    return max_pool2d(lines.float().unsqueeze(1), 3, stride=1, padding=1)[:, 0] > 0
