"""The pictures that the example graphs start from, shipped with the pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .checks import check_name

_FOLDER = Path(__file__).resolve().parents[2] / "workflows" / "pictures"

# The order and the names are part of saved graphs.
EXAMPLE_PICTURES: dict[str, str] = {
    "coffee": "coffee.jpg",
    "astronaut": "astronaut.jpg",
    "floor_plan": "floor_plan.png",
    "landscape": "landscape.jpg",
    "landscape_segmentation": "landscape_segmentation.png",
    "still_life": "still_lifes/02.jpg",
    "still_life_depth": "still_life_depth.png",
    "product_layout": "product_layout.png",
    "story_sketch": "story_sketch.png",
    "palette": "still_lifes/03.jpg",
}
PHOTOGRAPHS = ("coffee", "astronaut")
# Folders of pictures of one size, given as one batch.
EXAMPLE_SETS: tuple[str, ...] = ("floor_plans", "still_lifes", "product", "mood_board")
NAMES: tuple[str, ...] = (*EXAMPLE_PICTURES, *EXAMPLE_SETS)


def example_picture(name: str) -> torch.Tensor:
    """The named picture as IMAGE [1,H,W,3] in 0..1; a set as [B,H,W,3], in the order of its files' names."""
    return torch.from_numpy(np.stack([_pixels(file) for file in example_files(name)]) / 255)


def example_files(name: str) -> list[Path]:
    """The file of the named picture, or those of a set. ValueError for an unknown name."""
    check_name("Example Picture", name, NAMES)
    return sorted((_FOLDER / name).iterdir()) if name in EXAMPLE_SETS else [_FOLDER / EXAMPLE_PICTURES[name]]


def _pixels(file: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32)
