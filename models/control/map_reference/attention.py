"""Attention in which the tokens of each reference picture weigh what they should.

A factor `w` on what a token gives, relative to the others, is `log w` added to its scores before the softmax:
`exp(s + log w) = w * exp(s)`. Every other token hears the reference so much less; among themselves its own tokens attend as
they would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch

# The host's attention functions (`comfy.ldm.modules.attention`) take these after q, k, v and heads, by place or by name.
_PLACES = ("mask", "attn_precision", "skip_reshape", "skip_output_reshape")

Rows = tuple[int, int, torch.Tensor | None]


class ReferenceBias:
    """The host's `optimized_attention_override` for one call of the network, around one that stands there already.

    tokens: of each reference, which are the last of the sequence; factors: on the weight of each, from 0.
    """

    def __init__(
        self, tokens: Sequence[int], factors: Sequence[float], inner: Callable[..., Any] | None = None
    ) -> None:
        self.tokens = tuple(tokens)
        self.factors = tuple(factors)
        self.inner = inner
        self._made: dict[Any, list[Rows]] = {}

    @torch.compiler.disable
    def __call__(
        self,
        function: Callable[..., Any],
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        heads: int,
        *rest: Any,
        **named: Any,
    ) -> torch.Tensor:
        """As `function`; an attention that is not one among all tokens of the sequence is left alone."""
        named |= dict(zip(_PLACES, rest, strict=False))
        axis = 2 if named.get("skip_reshape") else 1
        length = q.shape[axis]
        if k.shape[axis] != length or length <= sum(self.tokens):
            return self._inner(function, q, k, v, heads, **named)
        mask = named.pop("mask", None)
        parts = []
        for start, end, bias in self._rows(length, q):
            own = q.narrow(axis, start, end - start)
            parts.append(self._inner(function, own, k, v, heads, mask=_mask(mask, bias, start, end, length), **named))
        return parts[0] if len(parts) == 1 else torch.cat(parts, 2 if named.get("skip_output_reshape") else 1)

    def _inner(self, function: Callable[..., Any], *args: Any, **named: Any) -> torch.Tensor:
        return function(*args, **named) if self.inner is None else self.inner(function, *args, **named)

    def _rows(self, length: int, like: torch.Tensor) -> list[Rows]:
        """(first token, end, bias [length] or None) of the queries that hear the references alike; made once per size."""
        key = (length, like.dtype, like.device)
        if key not in self._made:
            edges = [0, *accumulate(self.tokens, initial=length - sum(self.tokens))]
            heard = [self.factors]
            heard += [(*self.factors[:i], 1.0, *self.factors[i + 1 :]) for i in range(len(self.factors))]
            runs: list[tuple[int, int, tuple[float, ...]]] = []
            for (start, end), factors in zip(pairwise(edges), heard, strict=True):
                alike = bool(runs) and runs[-1][2] == factors
                runs.append((runs.pop()[0] if alike else start, end, factors))
            self._made[key] = [(start, end, self._bias(length, factors, like)) for start, end, factors in runs]
        return self._made[key]

    def _bias(self, length: int, factors: Sequence[float], like: torch.Tensor) -> torch.Tensor | None:
        if all(factor == 1.0 for factor in factors):
            return None
        bias = like.new_zeros(length)
        edges = accumulate(self.tokens, initial=length - sum(self.tokens))
        for (start, end), factor in zip(pairwise(edges), factors, strict=True):
            bias[start:end] = math.log(factor) if factor > 0.0 else -math.inf
        return bias


def _mask(
    mask: torch.Tensor | None, bias: torch.Tensor | None, start: int, end: int, length: int
) -> torch.Tensor | None:
    """The call's own mask [..., queries or 1, keys] for some of the queries, with the bias on the keys."""
    if mask is not None and mask.shape[-2] == length:
        mask = mask[..., start:end, :]
    if bias is None or mask is None:
        return mask if bias is None else bias.reshape(1, 1, length)
    if mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=bias.dtype).masked_fill(~mask, -math.inf)
    return mask + bias
