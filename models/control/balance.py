"""How the signals of a stack share the picture at one step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .area import Area
from .batch_view import BatchView
from .masking import on_grid
from .signal import ControlSignal
from .stack import ControlStack

Areas = Sequence[Area | None]


def budget_factor(stack: ControlStack, progress: float) -> float:
    """Factor on every weight under `normalize`: min(1, budget / sum of the weights at this progress)."""
    if stack.balance != "normalize":
        return 1.0
    total = sum(signal.weight_at(progress) for signal in stack.signals)
    return min(1.0, stack.budget / total) if total else 1.0


def region(
    stack: ControlStack,
    own: ControlSignal,
    progress: float,
    latent: torch.Tensor,
    view: BatchView,
    areas: Areas = (),
) -> torch.Tensor | None:
    """Where `own` may act at this progress: its mask, and under `strongest` only the cells that it wins.

    latent: [B,...,H,W]; areas: the part of the picture that each chunk of the call sees. Returns [1, pictures or B,H,W] in
    0..1, or None for everywhere. Of equal signals the first wins.
    """
    if stack.balance != "strongest" or len(stack.signals) == 1:
        return mask_of(own, view, latent, areas)
    claims = [_claim(signal, progress, latent, view, areas) for signal in stack.signals]
    strongest = torch.stack(claims).argmax(0)
    place = next(index for index, signal in enumerate(stack.signals) if signal is own)
    won = (strongest == place).to(torch.float32)
    mask = mask_of(own, view, latent, areas)
    return won if mask is None else won * on_grid(mask, won.shape[-2], won.shape[-1], won)


def needs_areas(stack: ControlStack, own: ControlSignal) -> bool:
    """Whether the region of `own` depends on where in the picture a conditioning acts."""
    sharing = stack.signals if stack.balance == "strongest" else (own,)
    return any(signal.has_mask for signal in sharing)


def mask_of(signal: ControlSignal, view: BatchView, latent: torch.Tensor, areas: Areas = ()) -> torch.Tensor | None:
    """The signal's mask for the pictures of this call, [1 or pictures,H,W]; with areas, on the latent's grid, [B,H,W]."""
    if signal.mask is None:
        return None
    rows = view.rows_of(signal.mask.shape[0], f"Control signal ({signal.kind})", "mask")
    mask = signal.mask if rows is None else signal.mask[list(rows)]
    if not any(areas):
        return mask
    pictures = latent[: latent.shape[0] // len(areas)]
    cut = (mask if area is None else area.of(mask) for area in areas)
    return torch.cat(
        [_each(on_grid(one, latent.shape[-2], latent.shape[-1], pictures), pictures.shape[0]) for one in cut]
    )


def _each(grid: torch.Tensor, pictures: int) -> torch.Tensor:
    """One mask for every picture, [1 or pictures,H,W] -> [pictures,H,W]."""
    return grid.expand(pictures, -1, -1)


def _claim(signal: ControlSignal, progress: float, latent: torch.Tensor, view: BatchView, areas: Areas) -> torch.Tensor:
    """Weight of a signal on each cell of the latent, [B,H,W]."""
    height, width = latent.shape[-2:]
    everywhere = torch.full((latent.shape[0], height, width), signal.weight_at(progress), device=latent.device)
    mask = mask_of(signal, view, latent, areas)
    return everywhere if mask is None else everywhere * on_grid(mask, height, width, everywhere)
