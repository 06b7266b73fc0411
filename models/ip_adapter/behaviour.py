"""Whose arithmetic is followed where implementations differ."""

from __future__ import annotations

from dataclasses import dataclass


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
    if name not in BEHAVIOURS:
        raise ValueError(f'Apply IP-Adapter, input compatible_with: "{name}" is not one of {", ".join(BEHAVIOURS)}.')
    return BEHAVIOURS[name]
