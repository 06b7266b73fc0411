"""How a residual block ends: its last convolution and the strided one behind it, which halves the picture.

Nothing stands between the two but a sum, so they can be done as one 5x5 convolution with stride 2: the same result but for
rounding, at 56 % of the multiplications. The shortcut then goes through the strided convolution by itself, and where it does not
depend on the timestep only once per sampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from torch.nn.functional import conv2d

from ..host import cast_weights


class Convolution(NamedTuple):
    """kernel: [out,in,height,width]; bias: [out]."""

    kernel: torch.Tensor
    bias: torch.Tensor


class Side(NamedTuple):
    """A picture's whole extent in one direction, or the border at its start or its end.

    The strided convolution sees zeros beyond the border of the first one's result, where the merged one sees that result go on.
    What it sees too much comes from one line of pixels through one line of taps of each convolution, and is taken away.
    """

    pixels: slice
    first_taps: slice
    second_taps: slice

    @property
    def is_border(self) -> bool:
        return self.pixels != slice(None)


_WHOLE = Side(slice(None), slice(None), slice(None))
_START = Side(slice(0, 1), slice(2, 3), slice(0, 1))
_END = Side(slice(-1, None), slice(0, 1), slice(2, 3))
_SIDES = {"whole": _WHOLE, "start": _START, "end": _END}
Part = tuple[str, str]  # sides by name, of the rows and of the columns


class Ending(Protocol):
    """shortcut: of what comes into the block, [B,in,H,W]; join: with what its last convolution gets, [B,hidden,H,W].

    The result of `join` is [B,out,ceil(H/2),ceil(W/2)]; the shortcut's part is only read.
    """

    def shortcut(self, x: torch.Tensor) -> torch.Tensor: ...

    def join(self, shortcut: torch.Tensor, x: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class Apart:
    """One layer after the other, as the authors' code does it."""

    last: Any
    across: Any
    downsample: Any

    def shortcut(self, x: torch.Tensor) -> torch.Tensor:
        return self.across(x)

    def join(self, shortcut: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self.downsample(self.last(x).add_(shortcut))


@dataclass(frozen=True)
class Merged:
    """All in one, with weights on the device and in the dtype of the computation.

    parts: both convolutions as one, 5x5 for the whole picture, 5 or 1 wide at a border, biases included; skip: [out,in,3,3].
    """

    parts: dict[Part, Convolution]
    skip: torch.Tensor

    def shortcut(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(x, self.skip, stride=2, padding=1)

    def join(self, shortcut: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        whole, *borders = product(_sides(x.shape[-2]), _sides(x.shape[-1]))
        result = self._part(x, whole).add_(shortcut)
        for part in borders:
            rows, columns = (_SIDES[name] for name in part)
            is_corner = rows.is_border and columns.is_border  # taken away with both of its borders
            result[:, :, rows.pixels, columns.pixels] += self._part(x, part) * (1 if is_corner else -1)
        return result

    def _part(self, x: torch.Tensor, part: Part) -> torch.Tensor:
        rows, columns = (_SIDES[name] for name in part)
        stride = tuple(1 if side.is_border else 2 for side in (rows, columns))
        padding = tuple(0 if side.is_border else 2 for side in (rows, columns))
        return conv2d(x[:, :, rows.pixels, columns.pixels], *self.parts[part], stride=stride, padding=padding)


def _sides(length: int) -> tuple[str, ...]:
    """The strided convolution reaches beyond the end of an odd number of pixels only."""
    return ("whole", "start", "end") if length % 2 else ("whole", "start")


def merge(last: Any, shortcut: Any, downsample: Any, like: torch.Tensor) -> Merged:
    """last: the block's 3x3 convolution; shortcut: its 1x1 convolution or the identity; downsample: 3x3, stride 2.

    like: a tensor of the dtype and on the device that the convolutions are to be run with.
    """
    with ExitStack() as cast:
        first, second = (cast.enter_context(_cast(layer, like)) for layer in (last, downsample))
        skip = second.kernel
        if not isinstance(shortcut, nn.Identity):
            across = cast.enter_context(_cast(shortcut, like))
            skip = torch.einsum("omyx,mi->oiyx", skip, across.kernel[:, :, 0, 0])
            first = Convolution(first.kernel, first.bias + across.bias)
        parts = {
            (rows, columns): _in_one(first, second.kernel, _SIDES[rows], _SIDES[columns])
            for rows, columns in product(_SIDES, _SIDES)
        }
        whole = parts["whole", "whole"]
        parts["whole", "whole"] = Convolution(whole.kernel, whole.bias + second.bias)
        return Merged(parts, skip.clone())


def _in_one(first: Convolution, second: torch.Tensor, rows: Side, columns: Side) -> Convolution:
    """Two convolutions as one: the kernel of the second over the first one's, as over a picture, all the way."""
    inner = first.kernel[:, :, rows.first_taps, columns.first_taps]
    outer = second[:, :, rows.second_taps, columns.second_taps]
    reach = (outer.shape[-2] - 1, outer.shape[-1] - 1)
    kernel = conv2d(inner.transpose(0, 1), outer.flip(2, 3), padding=reach).transpose(0, 1)
    return Convolution(kernel.contiguous(), torch.einsum("omyx,m->o", outer, first.bias))


@contextmanager
def _cast(layer: Any, like: torch.Tensor) -> Iterator[Convolution]:
    with cast_weights(layer, like) as (weight, bias):
        yield Convolution(weight, bias)
