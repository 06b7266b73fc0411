"""How a weight enters the attention to image tokens (the names are those of ComfyUI_IPAdapter_plus)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import reduce, repeat

from ...preprocessors.images.checks import check_choice

Attend = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Weight = float | torch.Tensor  # [B,1,1] where it differs within the batch

_REFERENCE_WIDTH = 1280  # of the widest layers; narrower ones get less


def _values(key: torch.Tensor, value: torch.Tensor, weight: Weight, attend: Attend, _length: int) -> torch.Tensor:
    # Behind the attention, which comes to the same and needs no copy of the values.
    return attend(key, value) * weight


def _keys_and_values(
    key: torch.Tensor, value: torch.Tensor, weight: Weight, attend: Attend, _length: int
) -> torch.Tensor:
    return attend(key * weight, value * weight)


def _keys_and_values_by_width(
    key: torch.Tensor, value: torch.Tensor, weight: Weight, attend: Attend, _length: int
) -> torch.Tensor:
    return _keys_and_values(key, value, weight * (key.shape[-1] / _REFERENCE_WIDTH), attend, _length)


def _keys_and_mean_value(
    key: torch.Tensor, value: torch.Tensor, weight: Weight, attend: Attend, length: int
) -> torch.Tensor:
    """Of the values only their mean over each picture's tokens is scaled."""
    weight = weight * (key.shape[-1] / _REFERENCE_WIDTH)
    mean = reduce(value, "b (pictures t) d -> b pictures d", "mean", t=length)
    mean = repeat(mean, "b pictures d -> b (pictures t) d", t=length)
    return attend(key * weight, value - mean + mean * weight)


VALUES = "V only"
# (keys [B,T,D], values [B,T,D], weight, attention to them, tokens of one picture) -> what is added to the text's [B,N,D].
SCALINGS: dict[str, Callable[[torch.Tensor, torch.Tensor, Weight, Attend, int], torch.Tensor]] = {
    VALUES: _values,
    "K+V": _keys_and_values,
    "K+V w/ C penalty": _keys_and_values_by_width,
    "K+mean(V) w/ C penalty": _keys_and_mean_value,
}


# Whose arithmetic is followed where implementations differ.


@dataclass(frozen=True)
class Behaviour:
    """middle_block: whether the UNet's middle block sees the pictures, as in training. black_negative: what stands for "no
    picture" in the hidden states, a black picture instead of one that is zero after normalisation. first_negative: of
    several negative embeddings the first counts where they are combined, instead of their mean. norm_over_pictures:
    "norm average" divides each number by its length over the pictures, instead of each picture by its own length.
    sampled_mask: masks are sampled at the layers' points, instead of averaged over their cells.
    """

    middle_block: bool = True
    black_negative: bool = False
    first_negative: bool = False
    norm_over_pictures: bool = False
    sampled_mask: bool = False


EXACT = "exact"
EXACTLY = Behaviour()
# ComfyUI_IPAdapter_plus registers the middle block under a number that the host does not call, and so leaves it out.
BEHAVIOURS: dict[str, Behaviour] = {
    EXACT: EXACTLY,
    "ipadapter_plus": Behaviour(
        middle_block=False, black_negative=True, first_negative=True, norm_over_pictures=True, sampled_mask=True
    ),
}


def find_behaviour(name: str) -> Behaviour:
    """The behaviour with this name; ValueError that lists them."""
    check_choice("Apply IP-Adapter, input compatible_with", name, BEHAVIOURS)
    return BEHAVIOURS[name]
