"""Widening without changing the function: every hidden channel is repeated as neighbours.

Output rows are repeated, input columns are repeated and divided by the number of repeats, biases and norm weights are
repeated. Group and layer norms see the same statistics because neighbours stay in one group. Attention with as many heads
as before sees scores that grow by the repeats k while its scale shrinks by sqrt(k), so queries are divided by sqrt(k).
"""

from __future__ import annotations

import torch

Shape = tuple[int, ...]


def widened(weight: torch.Tensor, shape: Shape, name: str) -> torch.Tensor:
    """`weight` repeated to `shape` along its first two axes. ValueError, naming it, if that is no whole multiple."""
    rows = _repeats(weight, shape, 0, name)
    weight = weight.float().repeat_interleave(rows, 0) if rows > 1 else weight.float()
    if weight.dim() > 1:
        columns = _repeats(weight, shape, 1, name)
        weight = weight.repeat_interleave(columns, 1) / columns if columns > 1 else weight
    if tuple(weight.shape) != tuple(shape):
        raise ValueError(f"{name}: {tuple(weight.shape)} cannot be widened to {tuple(shape)}.")
    return weight


def _repeats(weight: torch.Tensor, shape: Shape, axis: int, name: str) -> int:
    if weight.dim() != len(shape) or shape[axis] % weight.shape[axis]:
        raise ValueError(f"{name}: {tuple(weight.shape)} cannot be widened to {tuple(shape)}.")
    return shape[axis] // weight.shape[axis]


def placed(weight: torch.Tensor, shape: Shape) -> torch.Tensor:
    """`weight` in the first corner of zeros of `shape`: channels that nothing reads."""
    result = torch.zeros(shape)
    result[tuple(slice(0, size) for size in weight.shape)] = weight.float()
    return result


def spread_frequencies(weight: torch.Tensor, inputs: int) -> torch.Tensor:
    """The first layer of a time embedding for a longer sinusoid, whose every k-th frequency the narrow one has."""
    half, wide = weight.shape[1] // 2, inputs // 2
    index = torch.arange(half) * (wide // half)
    result = torch.zeros(len(weight), inputs)
    result[:, index] = weight[:, :half].float()
    result[:, wide + index] = weight[:, half:].float()
    return result
