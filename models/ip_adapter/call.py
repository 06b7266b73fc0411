"""What all layers share during one call of the network: the weight now, the batch, and where its parts lie in the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch.nn.functional import interpolate

from ..guidance.acting import HALF
from ..guidance.batch_view import BatchView
from ..guidance.regions import Area, areas_of, on_grid
from ..guidance.roles import told_unknown
from ..host import tell
from .image_prompt import ImagePrompt


@dataclass(frozen=True, eq=False)
class Moment:
    """An image prompt at one call. weight: on all layers, float or [B,1,1]; areas: of each chunk, None for the whole picture.

    timestep: on the network's own scale, where the adapter follows it, else 0.
    """

    prompt: ImagePrompt
    view: BatchView
    weight: float | torch.Tensor
    areas: tuple[Area | None, ...]
    timestep: float = 0.0

    def mask(self, height: int, width: int, like: torch.Tensor) -> torch.Tensor | None:
        """The mask on the grid of a layer as [B,height*width,1], kept for the sampling; like: [B,N,D]."""
        mask = self.prompt.mask
        if mask is None:
            return None

        def over_batch() -> torch.Tensor:
            rows = self.view.rows_of(mask.shape[0], self.prompt.adapter.who, "mask")
            own = mask if rows is None else mask[list(rows)]
            batch = like[: self.view.pictures]
            lay = _sampled if self.prompt.sampled_mask else on_grid
            chunks = [lay(own if area is None else area.of(own), height, width, batch) for area in self.areas]
            chunks = [chunk.expand(self.view.pictures, -1, -1) for chunk in chunks]
            return rearrange(torch.cat(chunks), "b h w -> b (h w) 1")

        key = ("mask", height, width, self.areas, self.view.pictures, self.view.frames, like.device, like.dtype)
        return self.prompt.kept.get(key, over_batch)


def _sampled(mask: torch.Tensor, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    mask = mask.to(device=like.device, dtype=like.dtype).unsqueeze(1)
    return interpolate(mask, (height, width), mode="bilinear")[:, 0]


def moment_of(
    prompt: ImagePrompt, x: torch.Tensor, sigma: float, model_sampling: Any, options: Mapping[str, Any]
) -> Moment | None:
    """The prompt at this call, or None where it does not act. x: [chunks*pictures,4,h,w]."""
    moment = _moment(prompt, x, sigma, model_sampling, options)
    half_missing = moment is None and prompt.strength.at(sigma, model_sampling.percent_to_sigma) != 0.0
    prompt.record.saw(sigma, options, moment is not None, HALF if half_missing else "")
    if moment is not None and moment.view.unnamed:
        told = told_unknown(prompt.adapter.who, moment.view.unnamed)
        if prompt.record.first_time(told):
            tell(told)
    return moment


def _moment(
    prompt: ImagePrompt, x: torch.Tensor, sigma: float, model_sampling: Any, options: Mapping[str, Any]
) -> Moment | None:
    weight = prompt.strength.at(sigma, model_sampling.percent_to_sigma)
    if weight == 0.0:
        return None
    chunks = len(options.get("cond_or_uncond", (0,)))
    view = BatchView.of(x, chunks, dict(options))
    factors = _factors(prompt, view)
    if not any(factors):
        return None
    areas = areas_of(options, chunks)
    follows = prompt.adapter.layout.follows_timestep
    timestep = float(model_sampling.timestep(torch.tensor(sigma))) if follows else 0.0
    if len(set(factors)) == 1:
        return Moment(prompt, view, weight * factors[0], areas, timestep)
    weights = torch.tensor(factors, device=x.device).mul(weight).reshape(-1, 1, 1)
    return Moment(prompt, view, weights, areas, timestep)


def _factors(prompt: ImagePrompt, view: BatchView) -> tuple[float, ...]:
    """Of each picture in each chunk, beside the weight."""
    strength = prompt.strength
    frames = (1.0,) * view.pictures
    if strength.frames is not None:
        over = strength.frames.over(view.total, prompt.adapter.who)
        frames = tuple(over[frame] for frame in view.frames)
    return tuple(strength.halves[half] * frame for half in view.halves for frame in frames)
