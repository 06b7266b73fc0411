"""Whether a change that a name promises has the size of the weight that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Shape = tuple[int, ...]


def fits(patch: Any, shape: Shape) -> bool:
    """Whether a patch of the host (an adapter, or a tuple of kind and tensors) can be added to a weight of this shape.

    A LoRA for SD1.5 finds most of its names in SD2 and many in SDXL, so names alone say nothing. Kinds whose size follows
    from more than their tensors' shapes count as fitting; the host checks them when it loads.
    """
    if isinstance(patch, tuple):
        return patch[0] not in ("diff", "set") or tuple(patch[1][0].shape) == shape
    check = _CHECKS.get(getattr(patch, "name", ""))
    return check is None or check(patch.weights, shape)


def _size(shape: Shape) -> int:
    return int(torch.Size(shape).numel())


def _lora(weights: Any, shape: Shape) -> bool:
    up, down, _alpha, middle, _dora, reshape = weights
    if reshape is not None:
        return True
    kernel = 1 if middle is None else _size(tuple(middle.shape[2:]))
    rows, columns = up.shape[0], down.flatten(1).shape[1]
    return rows == shape[0] and rows * columns * kernel == _size(shape)


def _loha(weights: Any, shape: Shape) -> bool:
    first, second, middle = weights[0], weights[1], weights[5]
    if middle is not None:
        return first.shape[1] * second.shape[1] * _size(tuple(middle.shape[2:])) == _size(shape)
    return first.shape[0] == shape[0] and first.shape[0] * second.flatten(1).shape[1] == _size(shape)


def _lokr(weights: Any, shape: Shape) -> bool:
    first, second, _alpha, first_a, first_b, second_a, second_b, middle = weights[:8]
    left = first.numel() if first is not None else first_a.shape[0] * first_b.flatten(1).shape[1]
    if second is not None:
        return left * second.numel() == _size(shape)
    if middle is not None:
        return left * second_a.shape[1] * second_b.shape[1] * _size(tuple(middle.shape[2:])) == _size(shape)
    return left * second_a.shape[0] * second_b.flatten(1).shape[1] == _size(shape)


_CHECKS: dict[str, Callable[[Any, Shape], bool]] = {"lora": _lora, "loha": _loha, "lokr": _lokr}
