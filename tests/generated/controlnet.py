"""A ControlNet that fits a `UNet`, in the layout of the original (LDM) code, which the host reads at any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from armature_pack.tests.generated.unet import UNet
from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

HINT_CHANNELS = 3

# A fresh ControlNet has zero convolutions and so no effect; these act. Seven activations without a norm lie between the
# hint and the first of them, and each takes about half of the signal away: the larger gain gives it back, so that another
# hint is another picture.
GAINS = {
    "zero_convs": 0.2,
    "middle_block_out": 0.2,
    "input_hint_block": 2.0,
}


@dataclass(frozen=True)
class ControlNetLDM:
    """A file for the host's ControlNet loader, with a residual for every block of ``unet``'s way down and its middle."""

    unet: UNet
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        return controlnet_weights(self.unet.model_config().unet_config, seed, self.dtype)


def controlnet_weights(unet_config: Mapping[str, Any], seed: int, dtype: str) -> dict[str, Tensor]:
    """The state dict of the host's ControlNet class for a network of ``unet_config``, under that class's names."""
    import torch
    from comfy.cldm.cldm import ControlNet

    config = {key: value for key, value in unet_config.items() if key not in {"out_channels", "dtype", "device"}}
    network = ControlNet(**config, hint_channels=HINT_CHANNELS, device=torch.device("meta"))
    return random_weights(shapes_of(network), seed, dtype, GAINS)
