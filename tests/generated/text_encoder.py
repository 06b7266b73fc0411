"""The CLIP-L text encoder. The host builds it with fixed sizes, so the only thing left to save is bytes per number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

# Embeddings are looked up, not multiplied: at gain sqrt(width) each of their numbers has variance 1, so that a token's own
# code stays visible beside what the layers add to it.
EMBEDDING_GAIN = 768**0.5


@dataclass(frozen=True)
class ClipL:
    """A file for the host's CLIP loader, type ``stable_diffusion``."""

    dtype: str

    def weights(self, seed: int) -> dict[str, Tensor]:
        """The state dict under the names it has in the host's SD1.5 text encoder: ``clip_l.transformer.…``."""
        from comfy.sd1_clip import SD1ClipModel

        shapes = shapes_of(SD1ClipModel(device="meta"))
        shapes.pop("clip_l.logit_scale")  # of use in training only
        gains = {"_embedding.weight": EMBEDDING_GAIN}
        return random_weights(shapes, seed, self.dtype, gains)

    def build(self, seed: int) -> dict[str, Tensor]:
        return {name.removeprefix("clip_l.transformer."): tensor for name, tensor in self.weights(seed).items()}


@dataclass(frozen=True)
class ClipLG:
    """SDXL's pair of text encoders: CLIP-L as above, and a CLIP-G of zeros.

    The host gives CLIP-G 695 million parameters, whatever the file holds. Zeros are finite, tell nothing about the prompt,
    and take no room on the disk (the writer leaves holes for them).
    """

    dtype: str

    def weights(self, seed: int) -> dict[str, Tensor]:
        """The state dict under the names it has in the host's SDXL text encoder: ``clip_l.…`` and ``clip_g.…``."""
        import torch
        from comfy.sdxl_clip import SDXLClipModel

        shapes = shapes_of(SDXLClipModel(device="meta"))
        zeros = {
            name: torch.zeros(shape, dtype=getattr(torch, self.dtype))
            for name, shape in shapes.items()
            if name.startswith("clip_g.")
        }
        return {**ClipL(self.dtype).weights(seed), **zeros}
