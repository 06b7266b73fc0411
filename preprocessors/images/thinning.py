"""Lines one pixel wide from lines of any width."""

from __future__ import annotations

import torch

_MAXIMUM_ROUNDS = 512  # takes lines 1024 pixels wide down to one


def thinned(lines: torch.Tensor) -> torch.Tensor:
    """Thin [B,H,W] booleans to lines one pixel wide that hang together as before.

    Guo and Hall 1989, "Parallel thinning with two-subiteration algorithms": pixels on alternating borders are taken away
    together until none can go. The edge of the picture counts as empty.
    """
    lines = lines.clone()
    for _ in range(_MAXIMUM_ROUNDS):
        removed = False
        for second in (False, True):
            border = _removable(lines, second)
            removed = removed or bool(border.any())
            lines &= ~border
        if not removed:
            break
    return lines


def _removable(lines: torch.Tensor, second: bool) -> torch.Tensor:
    """Pixels that one half-round takes away; p2 to p9 are the neighbours clockwise from the top."""
    around = torch.nn.functional.pad(lines, (1, 1, 1, 1))
    height, width = lines.shape[-2:]

    def neighbour(down: int, right: int) -> torch.Tensor:
        return around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    p2, p3, p4, p5 = neighbour(-1, 0), neighbour(-1, 1), neighbour(0, 1), neighbour(1, 1)
    p6, p7, p8, p9 = neighbour(1, 0), neighbour(1, -1), neighbour(0, -1), neighbour(-1, -1)
    parts = (~p2 & (p3 | p4)).int() + (~p4 & (p5 | p6)).int() + (~p6 & (p7 | p8)).int() + (~p8 & (p9 | p2)).int()
    pairs = (p9 | p2).int() + (p3 | p4).int() + (p5 | p6).int() + (p7 | p8).int()
    shifted = (p2 | p3).int() + (p4 | p5).int() + (p6 | p7).int() + (p8 | p9).int()
    thickness = torch.minimum(pairs, shifted)
    side = ((p6 | p7 | ~p9) & p8) if not second else ((p2 | p3 | ~p5) & p4)
    return lines & (parts == 1) & (thickness >= 2) & (thickness <= 3) & ~side
