"""ControlNeXt files: a control network, and the fine-tuned part of a UNet that comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.unet import UNet
from armature_pack.tests.generated.weights import random_weights

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "model.diffusion_model."


@dataclass(frozen=True)
class ControlNeXtControl:
    """A control file. The layout with a stem serves SD1.5 (training code), SDXL and SVD v2: the base model decides."""

    layout: str
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        from armature_pack.models.files.layouts.controlnext import LAYOUTS

        layout = next(layout for layout in LAYOUTS if layout.name == self.layout)
        return random_weights(layout.shapes(), seed, self.dtype)


@dataclass(frozen=True)
class ControlNeXtWeights:
    """What training changed in ``unet`` (made with ``base_seed``): every weight whose name holds ``part``.

    share: size of the change against the weight. full: the changed weights themselves rather than the differences.
    """

    unet: UNet
    base_seed: int
    base_dtype: str
    part: str
    share: float
    full: bool
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import torch

        base = self.unet.weights(self.base_seed, self.base_dtype)
        chosen = {name: tensor.float() for name, tensor in base.items() if self.part in name}
        noise = random_weights({name: tuple(tensor.shape) for name, tensor in chosen.items()}, seed, "float32")
        dtype = getattr(torch, self.dtype)
        return {
            PREFIX + name: (self.share * noise[name] + (tensor if self.full else 0)).to(dtype)
            for name, tensor in chosen.items()
        }
