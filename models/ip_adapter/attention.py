"""Attention to the text and, beside it, to the image tokens: what the host calls in place of a cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from comfy.ldm.modules.attention import optimized_attention
from einops import rearrange

from .call import Moment
from .layers import Place
from .query_rows import QueryRows, Rows
from .scaling import SCALINGS

Replacement = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]], torch.Tensor]


class ImageAttention:
    """One layer during one call: text attention, or what another pack has put in its place, plus that of each prompt."""

    def __init__(
        self, place: Place, inner: Replacement | None, moments: tuple[Moment, ...], query_rows: QueryRows
    ) -> None:
        self.place = place
        self.inner = inner
        self.moments = moments
        self.query_rows = query_rows

    # Opaque to torch.compile: a traced one would keep its weight and pictures for ever.
    @torch.compiler.disable
    def __call__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]
    ) -> torch.Tensor:
        """query: [B,N,D], key, value: [B,M,D] of the text; options: the host's extra options of this layer."""
        out = _attend(query, key, value, options) if self.inner is None else self.inner(query, key, value, options)
        for moment in self.moments:
            rows = self.query_rows.rows(query.shape[0])
            out = out + attend_to_pictures(moment, self.place, query, options, rows=rows).to(out.dtype)
        return out


def attend_to_pictures(
    moment: Moment,
    place: Place,
    query: torch.Tensor,
    options: dict[str, Any],
    own: tuple[torch.Tensor, torch.Tensor] | None = None,
    rows: Rows | None = None,
) -> torch.Tensor:
    """What one prompt adds at one layer [B,N,D], weighted and masked.

    query: [B,N,D]; options: the host's, with `n_heads` and, for masks, `activations_shape` [...,rows,columns]; own: the
    picture's own keys and values [B,N,D], where the layer reads them beside those of the image tokens; rows: the row of the
    batch that each row of the queries belongs to, where they are not the same.
    """
    prompt = moment.prompt
    layer, role = prompt.roles[place]
    key, value = prompt.keys_values(place, moment.view, query, moment.timestep)
    if rows is not None:
        key, value = key[list(rows)], value[list(rows)]
    length = prompt.tokens.image.shape[1]
    if own is not None:
        query, own_key = prompt.adapter.own(layer, query, own[0])
        key, value = torch.cat((own_key, key), dim=1), torch.cat((own[1], value), dim=1)
        length = key.shape[1]
    weight = moment.weight * role.factor
    if isinstance(weight, torch.Tensor):
        weight = weight.to(query.dtype)
        weight = weight if rows is None else weight[list(rows)]
    found = SCALINGS[prompt.scaling](key, value, weight, lambda k, v: _attend(query, k, v, options), length)
    height, width = options["activations_shape"][-2:]
    mask = moment.mask(height, width, found)
    if mask is None:
        return found
    return found * (mask if rows is None or mask.shape[0] == 1 else mask[list(rows)])


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    return optimized_attention(
        query, key, value, options["n_heads"], attn_precision=options.get("attn_precision"), transformer_options=options
    )


# Attention to image tokens behind a double block of Flux: what the host calls in place of the block.


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
            tokens = rearrange(query, "b heads n d -> b n (heads d)")
            added = attend_to_pictures(moment, self.place, tokens, options)
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
