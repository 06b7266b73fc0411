"""The one function behind the node that fixes colours."""

from __future__ import annotations

from typing import Any

import torch

from .image_tensor import check_image, to_rgb
from .sizing import resized_pictures
from .tile import color_fixed


def fix_colors(image: Any, reference: Any, variation: float, sharpness: float) -> tuple[torch.Tensor, str]:
    """(pictures [B,H,W,3] with the coarse colours of `reference`, report). One reference serves a whole batch."""
    pictures = to_rgb(check_image(image, "Fix Colors, input image")).float()
    colours = to_rgb(check_image(reference, "Fix Colors, input reference")).float().to(pictures)
    if len(colours) not in (1, len(pictures)):
        raise ValueError(
            f"Fix Colors: {len(colours)} references came in for {len(pictures)} pictures. Give one, or one for each."
        )
    height, width = pictures.shape[1:3]
    told = ""
    if colours.shape[1:3] != pictures.shape[1:3]:
        told = f" The reference was resized from {colours.shape[2]}x{colours.shape[1]}."
        colours = resized_pictures(colours, (height, width))
    fixed = color_fixed(pictures.clamp(0, 1), colours.expand(len(pictures), -1, -1, -1), variation, sharpness)
    moved = float((fixed - pictures).mean((0, 1, 2)).abs().max())
    return fixed, f"Colours of {len(fixed)} pictures fixed; the largest mean change of a channel is {moved:.3f}.{told}"
