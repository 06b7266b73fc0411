"""Attention to image tokens behind a double block of Flux: what the host calls in place of the block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .attention import attend_to_pictures
from .call import Moment
from .unet_layers import Place

Block = Callable[[dict[str, Any]], dict[str, torch.Tensor]]


class ImageInDoubleBlock:
    """One double block during one call. grid: rows and columns of the picture's tokens.

    The picture's queries, before they are turned by their positions, attend to the image tokens, and the result is added
    behind the block, past its gates (x-flux, `DoubleStreamBlockProcessor` with an image; diffusers,
    `FluxIPAdapterAttnProcessor`). Tokens of further reference pictures behind the grid are left alone.
    """

    def __init__(self, place: Place, inner: Any, moments: tuple[Moment, ...], grid: tuple[int, int]) -> None:
        self.place = place
        self.inner = inner
        self.moments = moments
        self.grid = grid

    # Opaque to torch.compile: a traced one would keep its weight and pictures for ever.
    @torch.compiler.disable
    def __call__(self, given: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """given: img [B,N,D], txt and more as the host hands them over; extra: original_block."""
        seen: list[torch.Tensor] = []
        watched = {**given, "transformer_options": _with_patch(given["transformer_options"], _keeper(seen))}
        out = extra["original_block"](watched) if self.inner is None else self.inner(watched, extra)
        if not seen:  # what another pack has put here does not run the block
            return out
        rows, columns = self.grid
        query = seen[0][:, :, : rows * columns]
        options = {
            **given["transformer_options"],
            "n_heads": query.shape[1],
            "activations_shape": (query.shape[0], query.shape[1], rows, columns),
        }
        image = out["img"]
        for moment in self.moments:
            added = attend_to_pictures(moment, self.place, query.transpose(1, 2).flatten(2), options)
            image = torch.cat((image[:, : rows * columns] + added.to(image.dtype), image[:, rows * columns :]), dim=1)
        return {**out, "img": image}


def _with_patch(options: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    patches = options.get("patches", {})
    return {**options, "patches": {**patches, "attn1_patch": [patch, *patches.get("attn1_patch", ())]}}


def _keeper(seen: list[torch.Tensor]) -> Callable[..., dict[str, Any]]:
    """An attention patch that keeps the picture's queries [B,heads,N,d] and changes nothing."""

    def keep(q: torch.Tensor, _k: Any, _v: Any, extra_options: Mapping[str, Any], **_others: Any) -> dict[str, Any]:
        start, end = extra_options["img_slice"]
        seen.append(q[:, :, start:end])
        return {}

    return keep
