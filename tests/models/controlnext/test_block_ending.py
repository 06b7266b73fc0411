"""Two convolutions merged are what they are one after the other, at every size."""

from __future__ import annotations

from typing import Any

import comfy.ops
import pytest
import torch
from armature_pack.models.controlnext.block_ending import Apart, merge
from controlnext_recipes import OPERATIONS
from torch import nn

SIZES = [(8, 8), (9, 8), (8, 7), (5, 5), (3, 4), (2, 3), (2, 2), (1, 6), (1, 1)]


def convolution(*sizes: int, **options: int) -> nn.Module:
    """The host's layer, which starts without values."""
    layer = OPERATIONS.Conv2d(*sizes, **options).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


@pytest.mark.parametrize("channels_in", [6, 4])
@pytest.mark.parametrize("size", SIZES)
def test_equals_block_and_strided_convolution(channels_in: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    last = convolution(6, 6, 3, padding=1)
    downsample = convolution(6, 5, 3, stride=2, padding=1)
    shortcut = nn.Identity() if channels_in == 6 else convolution(4, 6, 1)
    x, hidden = (torch.randn(2, channels, *size, dtype=torch.float64) for channels in (channels_in, 6))

    apart, merged = Apart(last, shortcut, downsample), merge(last, shortcut, downsample, x)

    expected = apart.join(apart.shortcut(x), hidden)
    torch.testing.assert_close(merged.join(merged.shortcut(x), hidden), expected, atol=1e-10, rtol=0)


class CastForAWhile:
    """As newer hosts give a layer's weights out: for a while only, after which their place holds something else."""

    open = 0

    def __init__(self, layer: Any, like: torch.Tensor, *, offloadable: bool) -> None:
        assert offloadable
        self.cast = [part.clone() for part in comfy.ops.cast_bias_weight(layer, like)]

    def __enter__(self) -> list[torch.Tensor]:
        CastForAWhile.open += 1
        return self.cast

    def __exit__(self, *_error: object) -> None:
        CastForAWhile.open -= 1
        for part in self.cast:
            part.fill_(torch.nan)


def test_newer_hosts_give_weights_for_a_while_and_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    last, shortcut = convolution(6, 6, 3, padding=1), convolution(4, 6, 1)
    downsample = convolution(6, 5, 3, stride=2, padding=1)
    x, hidden = (torch.randn(2, channels, 9, 8, dtype=torch.float64) for channels in (4, 6))
    results = []
    for newer in (None, CastForAWhile):
        if newer is None:
            monkeypatch.delattr(comfy.ops, "CastBiasWeightContext", raising=False)
        else:
            monkeypatch.setattr(comfy.ops, "CastBiasWeightContext", newer, raising=False)
        for side in (shortcut, nn.Identity()):
            merged = merge(last, side, downsample, x)
            given = x if side is shortcut else hidden
            results.append(merged.join(merged.shortcut(given), hidden))
    assert CastForAWhile.open == 0
    assert torch.equal(results[0], results[2]) and torch.equal(results[1], results[3])
