"""What a signal multiplies onto the residuals of its control net: layers, pictures and halves, and its mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .batch_view import BatchView
from .layer_names import Place
from .masking import masked
from .signal import ControlSignal

Residuals = dict[str, list[torch.Tensor | None]]


@dataclass(frozen=True)
class Shape:
    """Factors on the residuals of one call; whatever is None changes nothing.

    layers: factor per residual; items: factor per picture of every chunk, [B]; mask: [1 or B,H,W] over the latent.
    """

    layers: Mapping[Place, float] | None = None
    items: torch.Tensor | None = None
    mask: torch.Tensor | None = None

    def on(self, residuals: Residuals, latent: torch.Tensor) -> Residuals:
        """The residuals with all factors, as new tensors; latent: [B,...,H,W] that the network sees."""
        if self.layers is None and self.items is None and self.mask is None:
            return residuals
        return {
            group: [
                None if one is None else self._shaped(one, (group, index), latent) for index, one in enumerate(found)
            ]
            for group, found in residuals.items()
        }

    def _shaped(self, residual: torch.Tensor, place: Place, latent: torch.Tensor) -> torch.Tensor:
        if self.layers is not None:
            residual = residual * self.layers.get(place, 1.0)
        if self.items is not None:
            residual = residual * self.items.to(residual.dtype).reshape(-1, *[1] * (residual.ndim - 1))
        if self.mask is None:
            return residual
        if residual.shape[0] == 1 and self.mask.shape[0] > 1:  # one map for the whole batch (T2I-Adapter)
            residual = residual.expand(latent.shape[0], *residual.shape[1:])
        return masked(residual, self.mask, (latent.shape[-2], latent.shape[-1]))


def item_factors(signal: ControlSignal, view: BatchView, conditional_only: bool, who: str) -> tuple[float, ...] | None:
    """Factor of each picture in each chunk, chunk by chunk; None where all are 1."""
    layers = signal.layer_weights
    halves = [1.0] * len(view.halves) if layers is None else [layers.half(half) for half in view.halves]
    if conditional_only:
        halves = [factor if half == 0 else 0.0 for factor, half in zip(halves, view.halves, strict=True)]
    pictures = frame_factors(signal, view, who)
    factors = tuple(half * picture for half in halves for picture in pictures)
    return None if set(factors) == {1.0} else factors


def frame_factors(signal: ControlSignal, view: BatchView, who: str) -> tuple[float, ...]:
    """Factor of each picture of this call. ValueError for a latent that holds its frames inside one picture."""
    if signal.frame_weights is None:
        return (1.0,) * view.pictures
    if view.video:
        raise ValueError(
            f"{who}: frame weights act on models with one latent for each frame (SVD, AnimateDiff, batches of pictures). This "
            "model holds a whole clip in one latent. Unlink frame_weights."
        )
    over_clip = signal.frame_weights.over(view.total, who)
    return tuple(over_clip[frame] for frame in view.frames)
