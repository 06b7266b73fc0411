"""Attention to image tokens inside a joint block of Stable Diffusion 3.5: what the host calls in place of the block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from .attention import attend_to_pictures
from .call import Moment
from .unet_layers import Place


class ImageInJointBlock:
    """One joint block during one call. attention: the block's own module for the picture's tokens; grid: their rows, columns.

    What the picture's queries find is added before the attention's last layer and so passes the block's gate (diffusers,
    `SD3IPAdapterJointAttnProcessor2_0`). The host shows neither these queries before their norm nor that point, so the
    module is listened to, while the block runs and no longer.
    """

    def __init__(
        self, place: Place, inner: Any, moments: tuple[Moment, ...], grid: tuple[int, int], attention: Any
    ) -> None:
        self.place = place
        self.inner = inner
        self.moments = moments
        self.grid = grid
        self.attention = attention

    # Opaque to torch.compile: a traced one would keep its weight and pictures for ever.
    @torch.compiler.disable
    def __call__(self, given: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """given: img [B,N,D], txt and more as the host hands them over; extra: original_block."""
        with self._listening(given["transformer_options"]):
            return extra["original_block"](given) if self.inner is None else self.inner(given, extra)

    @contextmanager
    def _listening(self, options: Mapping[str, Any]) -> Iterator[None]:
        seen: list[torch.Tensor] = []

        def keep(_module: Any, _given: Any, made: torch.Tensor) -> None:
            seen.append(made)

        def add(_module: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (self._with_pictures(given[0], seen.pop(), options), *given[1:])

        hooks = (
            self.attention.qkv.register_forward_hook(keep),
            self.attention.proj.register_forward_pre_hook(add),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _with_pictures(self, out: torch.Tensor, made: torch.Tensor, options: Mapping[str, Any]) -> torch.Tensor:
        """out: the block's attention [B,N,D]; made: its queries, keys and values side by side [B,N,3*D]."""
        heads = self.attention.num_heads
        query, key, value = made.chunk(3, dim=-1)
        of_layer = {**options, "n_heads": heads, "activations_shape": (out.shape[0], heads, *self.grid)}
        for moment in self.moments:
            out = out + attend_to_pictures(moment, self.place, query, of_layer, own=(key, value)).to(out.dtype)
        return out
