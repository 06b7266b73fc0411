"""What InstantX' IP-Adapter for Stable Diffusion 3.5 holds for one joint block."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import layer_norm

from .adapter import KeyValue

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
        return norm(x.unflatten(-1, (-1, self.head))).flatten(-2)
