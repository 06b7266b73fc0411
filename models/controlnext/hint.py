"""The control image: checking it, choosing the maps of a window, and bringing it to the network's size."""

from __future__ import annotations

from typing import Any

import comfy.utils
import torch

from ..guidance.batch_view import Window, matching_rows

RESIZE_METHOD = "lanczos"  # what the reference pipelines resize control images with


def check_hint(hint: Any, file_name: str) -> None:
    """Refuse what is no batch of RGB images [B,3,H,W] with finite values."""
    who = f"The control image for the ControlNeXt file '{file_name}'"
    if not isinstance(hint, torch.Tensor) or hint.ndim != 4:
        shape = f"a tensor of shape {list(hint.shape)}" if isinstance(hint, torch.Tensor) else type(hint).__name__
        raise ValueError(f"{who} is {shape}; an IMAGE [batch, height, width, 3] is needed. Link an image there.")
    if hint.shape[1] != 3:
        raise ValueError(
            f"{who} has {hint.shape[1]} channels; RGB (3) is needed. "
            "Convert it: drop an alpha channel, or repeat a single channel three times (Mask to Image does)."
        )
    if 0 in hint.shape:
        raise ValueError(f"{who} is empty (shape {list(hint.shape)}). Link an image with at least one pixel.")
    if not bool(torch.isfinite(hint).all()):
        raise ValueError(f"{who} contains NaN or infinite values. Repair the node that made it.")


def hint_rows(count: int, pictures: int, window: Window | None, pin_first: bool, file_name: str) -> tuple[int, ...]:
    """Which of `count` control maps belong to the `pictures` of this call; (0,) when one serves all.

    pin_first: the first picture of a window gets the clip's first map. Raises ValueError when the counts do not match.
    """
    rows = matching_rows(count, pictures, window)
    if rows is not None:
        return (0, *rows[1:]) if pin_first else rows
    wanted = pictures if window is None else window.total
    advice = "Give one control image for all, or exactly one for each."
    if count == wanted - 1:
        advice += (
            " For video the first map is that of the reference image (its pose), followed by one for each later frame."
        )
    raise ValueError(
        f"The ControlNeXt file '{file_name}' got {count} control images for "
        f"{wanted} latent image{'' if wanted == 1 else 's'} (or frames). {advice}"
    )


def resized(hint: torch.Tensor, rows: tuple[int, ...], size: tuple[int, int]) -> torch.Tensor:
    """The maps `rows` of a hint [B,3,H,W] at `size` (height, width), float32; cropped to the centre like the host does."""
    maps = hint[list(rows)].float()
    if (maps.shape[-2], maps.shape[-1]) == size:
        return maps
    return comfy.utils.common_upscale(maps, size[1], size[0], RESIZE_METHOD, "center")
