"""A T2I-Adapter (the light layout): features of an image, computed once and added to the way down of SD1.5.

Its widths are fixed by the host: 320, 640, 1280, 1280 channels, added after the second residual block of levels 1 to 4. A
network with fewer levels takes the first of these features and never asks for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_CHANNELS = 3
UNSHUFFLE = 8
CHANNELS = (320, 640, 1280, 1280)
RESIDUAL_BLOCKS = 4


@dataclass(frozen=True)
class T2IAdapterLight:
    """A file for the host's ControlNet loader, which reads T2I-Adapters too."""

    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import torch
        from comfy.t2i_adapter.adapter import Adapter_light

        with torch.device("meta"):
            network = Adapter_light(cin=IMAGE_CHANNELS * UNSHUFFLE**2, channels=list(CHANNELS), nums_rb=RESIDUAL_BLOCKS)
        return random_weights(shapes_of(network), seed, self.dtype)
