"""Attention to the text and, beside it, to the image tokens: what the host calls in place of a cross-attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from comfy.ldm.modules.attention import optimized_attention

from .call import Moment
from .scaling import SCALINGS
from .unet_layers import Place

Replacement = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]], torch.Tensor]


class ImageAttention:
    """One layer during one call: text attention, or what another pack has put in its place, plus that of each prompt."""

    def __init__(self, place: Place, inner: Replacement | None, moments: tuple[Moment, ...]) -> None:
        self.place = place
        self.inner = inner
        self.moments = moments

    # Opaque to torch.compile: a traced one would keep its weight and pictures for ever.
    @torch.compiler.disable
    def __call__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]
    ) -> torch.Tensor:
        """query: [B,N,D], key, value: [B,M,D] of the text; options: the host's extra options of this layer."""
        out = _attend(query, key, value, options) if self.inner is None else self.inner(query, key, value, options)
        for moment in self.moments:
            out = out + attend_to_pictures(moment, self.place, query, options).to(out.dtype)
        return out


def attend_to_pictures(
    moment: Moment,
    place: Place,
    query: torch.Tensor,
    options: dict[str, Any],
    own: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """What one prompt adds at one layer [B,N,D], weighted and masked.

    query: [B,N,D]; options: the host's, with `n_heads` and, for masks, `activations_shape` [...,rows,columns]; own: the
    picture's own keys and values [B,N,D], where the layer reads them beside those of the image tokens.
    """
    prompt = moment.prompt
    layer, role = prompt.roles[place]
    key, value = prompt.keys_values(place, moment.view, query, moment.timestep)
    length = prompt.tokens.image.shape[1]
    if own is not None:
        query, own_key = prompt.adapter.own(layer, query, own[0])
        key, value = torch.cat((own_key, key), dim=1), torch.cat((own[1], value), dim=1)
        length = key.shape[1]
    weight = moment.weight * role.factor
    if isinstance(weight, torch.Tensor):
        weight = weight.to(query.dtype)
    found = SCALINGS[prompt.scaling](key, value, weight, lambda k, v: _attend(query, k, v, options), length)
    height, width = options["activations_shape"][-2:]
    mask = moment.mask(height, width, found)
    return found if mask is None else found * mask


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    return optimized_attention(
        query, key, value, options["n_heads"], attn_precision=options.get("attn_precision"), transformer_options=options
    )
