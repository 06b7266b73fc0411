"""Attention to image tokens inside a joint block of Stable Diffusion 3.5: what the host calls in place of the block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from einops import rearrange
from torch import nn
from torch.nn.functional import layer_norm

from .adapter import KeyValue
from .attention import attend_to_pictures
from .call import Moment
from .layers import Place


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


# What InstantX' IP-Adapter for Stable Diffusion 3.5 holds for one joint block.

_EPSILON = 1e-6


class _TimeNorm(nn.Module):
    """Tokens [N,T,C], normalised, then scaled and shifted by the timestep's embedding [N,D]."""

    def __init__(self, width: int, time: int, operations: Any, **factory: Any) -> None:
        super().__init__()
        self.linear = operations.Linear(time, 2 * width, **factory)

    def forward(self, tokens: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        shift, scale = self.linear(nn.functional.silu(time)).unsqueeze(1).chunk(2, dim=-1)
        return layer_norm(tokens, tokens.shape[-1:], eps=_EPSILON) * (1 + scale) + shift


class JointLayer(KeyValue):
    """Keys and values that follow the timestep, and norms for the queries and keys that the block makes of the picture itself.

    The image attention reads the picture's own tokens beside the image tokens (diffusers,
    `SD3IPAdapterJointAttnProcessor2_0`). time: width of the timestep's embedding; head: width of an attention head.
    """

    def __init__(self, width: int, out: int, time: int, head: int, operations: Any, **factory: Any) -> None:
        super().__init__(width, out, False, operations, **factory)
        self.head = head
        self.norm_ip = _TimeNorm(width, time, operations, **factory)
        self.norm_q = operations.RMSNorm(head, eps=_EPSILON, **factory)
        self.norm_k = operations.RMSNorm(head, eps=_EPSILON, **factory)
        self.norm_ip_k = operations.RMSNorm(head, eps=_EPSILON, **factory)

    def forward(self, tokens: torch.Tensor, time: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens: [N,T,C], time: [N,D] -> keys and values [N,T,D]."""
        if time is None:
            raise ValueError("The IP-Adapter for Stable Diffusion 3.5 needs the timestep.")
        key, value = super().forward(self.norm_ip(tokens, time))
        return self._by_head(self.norm_ip_k, key), value

    def own(self, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The picture's own queries and keys [B,N,D], before the block's norms, as the image attention reads them."""
        return self._by_head(self.norm_q, query), self._by_head(self.norm_k, key)

    def _by_head(self, norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
        by_head = rearrange(x, "n t (heads d) -> n t heads d", d=self.head)
        return rearrange(norm(by_head), "n t heads d -> n t (heads d)")
