"""How the signals of a stack share the picture at one step."""

from __future__ import annotations

import torch

from .batch_view import BatchView
from .masking import on_grid
from .signal import ControlSignal
from .stack import ControlStack


def budget_factor(stack: ControlStack, progress: float) -> float:
    """Factor on every weight under `normalize`: min(1, budget / sum of the weights at this progress)."""
    if stack.balance != "normalize":
        return 1.0
    total = sum(signal.weight_at(progress) for signal in stack.signals)
    return min(1.0, stack.budget / total) if total else 1.0


def region(
    stack: ControlStack, own: ControlSignal, progress: float, latent: torch.Tensor, view: BatchView
) -> torch.Tensor | None:
    """Where `own` may act at this progress: its mask, and under `strongest` only the cells that it wins.

    latent: [B,...,H,W]; returns [1 or B,H,W] in 0..1, or None for everywhere. Of equal signals the first wins.
    """
    if stack.balance != "strongest" or len(stack.signals) == 1:
        return mask_of(own, view)
    claims = [_claim(signal, progress, latent, view) for signal in stack.signals]
    strongest = torch.stack(claims).argmax(0)
    place = next(index for index, signal in enumerate(stack.signals) if signal is own)
    won = (strongest == place).to(torch.float32)
    mask = mask_of(own, view)
    return won if mask is None else won * on_grid(mask, won.shape[-2], won.shape[-1], won)


def mask_of(signal: ControlSignal, view: BatchView) -> torch.Tensor | None:
    """The signal's mask for the pictures of this call, [1 or pictures,H,W]."""
    if signal.mask is None:
        return None
    rows = view.rows_of(signal.mask.shape[0], f"Control signal ({signal.kind})", "mask")
    return signal.mask if rows is None else signal.mask[list(rows)]


def _claim(signal: ControlSignal, progress: float, latent: torch.Tensor, view: BatchView) -> torch.Tensor:
    """Weight of a signal on each cell of the latent, [B,H,W]."""
    height, width = latent.shape[-2:]
    everywhere = torch.full((latent.shape[0], height, width), signal.weight_at(progress), device=latent.device)
    mask = mask_of(signal, view)
    return everywhere if mask is None else everywhere * on_grid(mask, height, width, everywhere)
