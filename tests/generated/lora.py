"""A LoRA in the naming that training tools write: ``lora_unet_`` and the layer's name with underscores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.unet import UNet
from armature_pack.tests.generated.weights import random_weights

if TYPE_CHECKING:
    from torch import Tensor

STRENGTH = 0.2  # of the change, against the weights it is added to


@dataclass(frozen=True)
class LoRA:
    """Pairs of ``rank`` for every query and value projection of ``unet``."""

    unet: UNet
    rank: int
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import torch

        shapes: dict[str, tuple[int, ...]] = {}
        for name, tensor in self.unet.weights(0, self.dtype).items():
            if name.endswith((".to_q.weight", ".to_v.weight")):
                layer = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
                shapes[f"{layer}.lora_down.weight"] = (self.rank, tensor.shape[1])
                shapes[f"{layer}.lora_up.weight"] = (tensor.shape[0], self.rank)
        pairs = random_weights(shapes, seed, self.dtype, {".lora_up.": STRENGTH})
        alphas = {
            name.replace(".lora_up.weight", ".alpha"): torch.tensor(float(self.rank)).to(getattr(torch, self.dtype))
            for name in shapes
            if name.endswith(".lora_up.weight")
        }
        return {**pairs, **alphas}
