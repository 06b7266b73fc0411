"""What a signal multiplies onto the residuals of its control net: layers, pictures and halves, and its mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..guidance.batch_view import BatchView
from ..guidance.layer_weights import Place
from ..guidance.progress import Progress
from ..guidance.regions import Area, masked, on_grid
from .fit import aspects_differ, mask_with_map
from .model_patch.net import ModelPatchNet
from .signal import ControlSignal
from .stack import ControlStack

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
    """Factor of each picture of this call. ValueError for a latent that holds its frames inside one picture, with a net that
    does not tell them apart (see `clip_factors`).
    """
    if signal.frame_weights is None or (view.video and reads_clip(signal.control_net)):
        return (1.0,) * view.pictures
    if view.video:
        raise ValueError(
            f"{who}: frame weights act on models with one latent for each frame (SVD, AnimateDiff, batches of pictures). This "
            "model holds a whole clip in one latent. Unlink frame_weights."
        )
    over_clip = signal.frame_weights.over(view.total, who)
    return tuple(over_clip[frame] for frame in view.frames)


def reads_clip(net: Any) -> bool:
    """Whether a net reads a clip of maps, one for each frame, for a latent that holds a whole clip."""
    return isinstance(net, ModelPatchNet) and net.kind.video


def clip_factors(signal: ControlSignal, view: BatchView, pictures: int, who: str) -> tuple[float, ...] | None:
    """Factor of each frame of a latent that holds a whole clip; None where all are 1, or there are none.

    pictures: see `FrameWeights.over_latent`.
    """
    if signal.frame_weights is None or view.clip is None or not reads_clip(signal.control_net):
        return None
    of_frames = signal.frame_weights.over_latent(view.clip.total, pictures, who)
    factors = tuple(of_frames[frame] for frame in view.clip.frames)
    return None if set(factors) == {1.0} else factors


# How the signals of a stack share the picture at one step.

Areas = Sequence[Area | None]


def budget_factor(stack: ControlStack, at: Progress) -> float:
    """Factor on every weight under `normalize`: min(1, budget / sum of the weights at this place in the sampling)."""
    if stack.balance != "normalize":
        return 1.0
    total = sum(signal.weight_at(at) for signal in stack.signals)
    return min(1.0, stack.budget / total) if total else 1.0


def region(
    stack: ControlStack,
    own: ControlSignal,
    at: Progress,
    latent: torch.Tensor,
    view: BatchView,
    areas: Areas = (),
) -> torch.Tensor | None:
    """Where `own` may act at this place in the sampling: its mask, and under `strongest` only the cells that it wins.

    latent: [B,...,H,W]; areas: the part of the picture that each chunk of the call sees. Returns [1, pictures or B,H,W] in
    0..1, or None for everywhere. Of equal signals the first wins.
    """
    if stack.balance != "strongest" or len(stack.signals) == 1:
        return mask_of(own, view, latent, areas)
    claims = [_cell_weights(signal, at, latent, view, areas) for signal in stack.signals]
    strongest = torch.stack(claims).argmax(0)
    place = next(index for index, signal in enumerate(stack.signals) if signal is own)
    won = (strongest == place).to(torch.float32)
    mask = mask_of(own, view, latent, areas)
    return won if mask is None else won * on_grid(mask, won.shape[-2], won.shape[-1], won)


def mask_of(signal: ControlSignal, view: BatchView, latent: torch.Tensor, areas: Areas = ()) -> torch.Tensor | None:
    """The signal's mask for the pictures of this call, [1 or pictures,H,W]; with areas, on the latent's grid, [B,H,W]."""
    whole = next((area.whole for area in areas if area is not None), (latent.shape[-2], latent.shape[-1]))
    lying = mask_on_picture(signal, whole)
    if lying is None:
        return None
    rows = view.rows_of(lying.shape[0], f"Control signal ({signal.kind})", "mask")
    mask = lying if rows is None else lying[list(rows)]
    if not any(areas):
        return mask
    pictures = latent[: latent.shape[0] // len(areas)]
    cut = (mask if area is None else area.of(mask) for area in areas)
    return torch.cat(
        [_each(on_grid(one, latent.shape[-2], latent.shape[-1], pictures), pictures.shape[0]) for one in cut]
    )


def mask_on_picture(signal: ControlSignal, picture: tuple[int, int]) -> torch.Tensor | None:
    """The signal's mask over the whole picture, [B,H,W]; picture: (height, width), in any unit.

    A mask belongs to the picture. One of the map's size, where picture and map differ in aspect, was drawn on the map, and
    is laid over the picture as the map is.
    """
    mask = signal.mask
    return mask_with_map(mask, picture, signal.fit) if mask is not None and mask_is_of_map(signal, picture) else mask


def mask_is_of_map(signal: ControlSignal, picture: tuple[int, int]) -> bool:
    """Whether the mask was drawn on the map, and the map is cropped, stretched or padded; picture: (height, width)."""
    if signal.mask is None:
        return False
    size = (signal.mask.shape[-2], signal.mask.shape[-1])
    return size == tuple(signal.image.shape[1:3]) and aspects_differ(size, picture)


def _each(grid: torch.Tensor, pictures: int) -> torch.Tensor:
    """One mask for every picture, [1 or pictures,H,W] -> [pictures,H,W]."""
    return grid.expand(pictures, -1, -1)


def _cell_weights(
    signal: ControlSignal, at: Progress, latent: torch.Tensor, view: BatchView, areas: Areas
) -> torch.Tensor:
    """Weight of a signal on each cell of the latent, [B,H,W]."""
    height, width = latent.shape[-2:]
    everywhere = torch.full((latent.shape[0], height, width), signal.weight_at(at), device=latent.device)
    mask = mask_of(signal, view, latent, areas)
    return everywhere if mask is None else everywhere * on_grid(mask, height, width, everywhere)
