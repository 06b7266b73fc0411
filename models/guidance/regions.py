"""Where in the picture a conditioning acts: the host hands the network only the cut-out part, so a mask must be cut likewise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch.nn.functional import interpolate

# A signal's mask on the grid of a residual: feature maps of a UNet, or tokens of a diffusion transformer.


def masked(residual: torch.Tensor, mask: torch.Tensor, latent_size: tuple[int, int]) -> torch.Tensor:
    """Multiply a residual by the mask at the residual's own resolution.

    residual: [B,C,h,w], [B,C,T,h,w] or tokens [B,N,C]; mask: [B or 1,H,W] in 0..1; latent_size: (height, width) of the
    latent that the network sees. Where the whole cell lies outside the mask the result is exactly zero.
    """
    if residual.ndim == 3:
        height, width = token_grid(residual.shape[1], latent_size)
        return residual * rearrange(on_grid(mask, height, width, residual), "b h w -> b (h w) 1")
    height, width = residual.shape[-2:]
    grid = on_grid(mask, height, width, residual)
    return residual * grid.reshape(grid.shape[0], *[1] * (residual.ndim - 3), height, width)


def on_grid(mask: torch.Tensor, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """The mask [B,H,W] resized to [b,height,width] for a batch like `like`; see `resized_mask`."""
    grid = resized_mask(mask.to(device=like.device, dtype=torch.float32).unsqueeze(1), (height, width))
    return _to_batch(grid[:, 0].to(like.dtype), like.shape[0])


def resized_mask(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A mask [B,1,H,W] at `size` (height, width); shrinking averages, so that a cell without mask stays exactly zero."""
    shrinks = mask.shape[-2] >= size[0] and mask.shape[-1] >= size[1]
    return interpolate(mask, size, mode="area" if shrinks else "bilinear")


def token_grid(tokens: int, latent_size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the token grid: one token per latent pixel, or per patch of 2x2."""
    for patch in (1, 2, 4):
        height, width = -(-latent_size[0] // patch), -(-latent_size[1] // patch)
        if height * width == tokens:
            return height, width
    raise ValueError(
        f"The mask of a control signal cannot be laid over {tokens} tokens of a latent of {latent_size[1]}x{latent_size[0]}: "
        "this model's token order is not known. Remove the mask from the signal."
    )


def _to_batch(grid: torch.Tensor, batch: int) -> torch.Tensor:
    """Repeat a grid for the chunks (conditional, unconditional, …) that the host runs in one batch."""
    if grid.shape[0] in (1, batch):
        return grid
    if batch % grid.shape[0]:
        raise ValueError(
            f"The mask of a control signal holds {grid.shape[0]} masks for a batch of {batch} pictures. "
            "Give one mask for all, or one for each picture."
        )
    return grid.repeat(batch // grid.shape[0], 1, 1)


# {cond's uuid: its Area}, put into the options of every call of the network in a sampling that has areas.
AREAS = "armature_areas"


@dataclass(frozen=True)
class Area:
    """A part of the latent that a conditioning acts in, and the size of the whole; in latent pixels."""

    height: int
    width: int
    top: int
    left: int
    whole: tuple[int, int]

    def of(self, mask: torch.Tensor) -> torch.Tensor:
        """The part of a mask [B,H,W] over the whole picture that lies over this area.

        A mask whose pixels do not divide evenly among those of the latent comes back on the latent's grid: a cut through
        the middle of a pixel would shift it.
        """
        if mask.shape[1] % self.whole[0] or mask.shape[2] % self.whole[1]:
            mask = on_grid(mask, *self.whole, mask)
        rows, columns = mask.shape[1] // self.whole[0], mask.shape[2] // self.whole[1]
        return mask[
            :,
            self.top * rows : (self.top + self.height) * rows,
            self.left * columns : (self.left + self.width) * columns,
        ]

    @property
    def in_words(self) -> str:
        """Size and place, for messages."""
        return (
            f"{self.width}x{self.height} of the latent's {self.whole[1]}x{self.whole[0]} (from {self.left}, {self.top})"
        )


def areas_of(options: Mapping[str, Any], chunks: int) -> tuple[Area | None, ...]:
    """The area of each chunk of a call, None for the whole picture; options: the host's options of that call."""
    known: Mapping[Any, Area] = options.get(AREAS, {})
    uuids: Sequence[Any] = options.get("uuids", ())
    return tuple(known.get(uuid) for uuid in uuids) if len(uuids) == chunks else (None,) * chunks


def with_areas(executor: Any, model: Any, conds: Any, x_in: torch.Tensor, timestep: Any, model_options: Any) -> Any:
    """A wrapper of the host's `calc_cond_batch` that notes the area of every conditioning for the calls inside it."""
    whole = (x_in.shape[-2], x_in.shape[-1])
    areas = {
        one["uuid"]: _area(one["area"], whole)
        for cond in conds
        for one in cond or ()
        if one.get("area") is not None and "uuid" in one
    }
    if areas:
        options = {**model_options.get("transformer_options", {}), AREAS: areas}
        model_options = {**model_options, "transformer_options": options}
    return executor(model, conds, x_in, timestep, model_options)


def _area(area: Sequence[int], whole: tuple[int, int]) -> Area:
    """The last two dimensions of (sizes..., offsets...), cut to the latent as the host does."""
    half = len(area) // 2
    top, left = area[2 * half - 2], area[2 * half - 1]
    return Area(min(area[half - 2], whole[0] - top), min(area[half - 1], whole[1] - left), top, left, whole)


def map_in_area(area: Area | None = None) -> str:
    """What becomes of a control image under a conditioning that acts in an area."""
    place = "" if area is None else f", {area.in_words}"
    return (
        f"a conditioning acts in an area of the picture{place}: ComfyUI lays the whole control image into the area, not the part "
        "of it that lies there. Its mask, if there is one, is cut to the area. To have map and picture in one place, use a "
        "conditioning with a mask (Conditioning Set Mask, whole image) instead of an area, or a map drawn for the area."
    )
