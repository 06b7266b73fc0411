"""The pictures that the example graphs start from, shipped with the pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

_FOLDER = Path(__file__).resolve().parent.parent / "workflows" / "pictures"

# The order and the names are part of saved graphs.
EXAMPLE_PICTURES: dict[str, str] = {"coffee": "coffee.jpg", "astronaut": "astronaut.jpg"}


def example_picture(name: str) -> torch.Tensor:
    """The named picture as IMAGE [1,H,W,3] in 0..1."""
    from PIL import Image

    if name not in EXAMPLE_PICTURES:
        raise ValueError(f'Example Picture: there is no "{name}". There are: {", ".join(EXAMPLE_PICTURES)}.')
    with Image.open(_FOLDER / EXAMPLE_PICTURES[name]) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels / 255).unsqueeze(0)
