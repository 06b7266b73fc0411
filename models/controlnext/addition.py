"""How a control map c is added to the hidden state h: h' = h + multiplier * A(h, c).

"code" and "paper" are the two forms of Cross Normalization, where A gives the map the statistics of h
(`cross_normalization`). "plain" adds the map as it is, pooled to the size of h: A(h, c) = pool(c).

A zero convolution, with which ControlNet begins, is a 1x1 convolution of the pooled map that is added: A(h, c) =
Wz pool(c) + bz. The control network ends in a 1x1 convolution itself, and pooling is linear and keeps constants, so both are
one convolution and the rest is plain addition: Wz (Wm x + bm) + bz = (Wz Wm) x + (Wz bm + bz).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Literal, Protocol, get_args

import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..files.layouts.controlnext import ZERO_CONVOLUTION, has_zero_convolution
from ..files.trained import CROSS_NORMALIZATION, PLAIN
from ..files.trained import ZERO_CONVOLUTION as BY_ZERO_CONVOLUTION
from .cross_normalization import CrossNormalization

Addition = Literal["code", "paper", "plain"]
ADDITIONS: tuple[Addition, ...] = get_args(Addition)
DEFAULT: Addition = "code"
# What runs a file that was trained with one of the additions that metadata name.
OF_TRAINED: dict[str, Addition] = {CROSS_NORMALIZATION: "code", PLAIN: "plain", BY_ZERO_CONVOLUTION: "plain"}
LAST = "mid_convs.1"  # the convolution that ends the network


class Fitting(Protocol):
    """A(h, c), in the part that depends on the map and its size alone, and the part that sees the hidden state."""

    def prepare(self, control: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """control: [B or 1,C,h,w]; result: [B or 1,C,H,W] in float32, with size = (H, W)."""
        ...

    def match(self, prepared: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """hidden: [B,C,H,W]; result: [B or 1,C,H,W] in float32."""
        ...


class PlainAddition:
    """The map as it is."""

    def prepare(self, control: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return adaptive_avg_pool2d(control.float(), size)

    def match(self, prepared: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        return prepared


def fitting(addition: Addition, normalization: CrossNormalization) -> Fitting:
    """A(h, c) of an addition; normalization: the variant's, of which the two normalised forms are made."""
    return PlainAddition() if addition == "plain" else replace(normalization, form=addition)


def fold_zero_convolution(weights: MutableMapping[str, torch.Tensor]) -> bool:
    """Take the zero convolution out of a control file's weights and into the network's last convolution.

    Computed in float64; the last convolution is float32 afterwards, whatever the others are stored in. Returns whether there
    was one.
    """
    if not has_zero_convolution(weights):
        return False
    outer, outer_bias = (weights.pop(f"{ZERO_CONVOLUTION}.{leaf}").double() for leaf in ("weight", "bias"))
    inner, inner_bias = (weights[f"{LAST}.{leaf}"].double() for leaf in ("weight", "bias"))
    outer = outer[:, :, 0, 0]
    weights[f"{LAST}.weight"] = torch.einsum("om,miyx->oiyx", outer, inner).float()
    weights[f"{LAST}.bias"] = (outer @ inner_bias + outer_bias).float()
    return True
