"""A small denoising network that the host detects as a member of a Stable Diffusion family.

What the host looks at differs by family; in all of them the channel widths are free. SD1.5 is told by its context width, its
320 base channels and its convolutional projections, so its depth is free as well. The SDXL family is told by the
transformer depths on the way down, so only the widths and the way up can shrink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

NO_MIDDLE_BLOCK = -2
"""The host's sign, as ``transformer_depth_middle``, for a network whose way up follows the way down at once."""


@dataclass(frozen=True)
class UNet:
    """A topology in the host's own terms; ``family`` is a class name in ``comfy.supported_models``.

    ``transformer_depth`` has an entry per residual block on the way down, ``transformer_depth_output`` per residual block
    on the way up counted from the top level; the way up has one block more on each level.
    """

    family: str
    num_res_blocks: tuple[int, ...]
    channel_mult: tuple[int, ...]
    transformer_depth: tuple[int, ...]
    transformer_depth_output: tuple[int, ...]
    transformer_depth_middle: int

    def model_config(self) -> Any:
        """The host's description of this network: an instance of the family's class."""
        import comfy.supported_models

        family = getattr(comfy.supported_models, self.family)
        topology = {
            "num_res_blocks": list(self.num_res_blocks),
            "channel_mult": list(self.channel_mult),
            "transformer_depth": list(self.transformer_depth),
            "transformer_depth_output": list(self.transformer_depth_output),
            "transformer_depth_middle": self.transformer_depth_middle,
        }
        channels = family.latent_format.latent_channels
        common = {
            "image_size": 32,
            "in_channels": channels,
            "out_channels": channels,
            "use_spatial_transformer": True,
            "legacy": False,
        }
        if family.unet_config["adm_in_channels"] is not None:
            common["num_classes"] = "sequential"
        return family({**common, **family.unet_config, **topology})

    def weights(self, seed: int, dtype: str) -> dict[str, Tensor]:
        """The state dict of the network alone, under the names it has inside the host's UNet class."""
        import comfy.ops
        import torch
        from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

        operations = comfy.ops.disable_weight_init
        network = UNetModel(**self.model_config().unet_config, device=torch.device("meta"), operations=operations)
        return random_weights(shapes_of(network), seed, dtype)


@dataclass(frozen=True)
class VideoUNet(UNet):
    """A network over the frames of a clip. Its depth is fixed by the family; only the widths are free."""

    def model_config(self) -> Any:
        config = super().model_config()
        config.unet_config |= {
            "num_head_channels": 64,
            "video_kernel_size": [3, 1, 1],
            "extra_ff_mix_layer": True,
            "use_spatial_context": True,
            "merge_strategy": "learned_with_images",
            "merge_factor": 0.0,
            "disable_temporal_crossattention": False,
        }
        return config


@dataclass(frozen=True)
class DiffusionModel:
    """A file for the host's diffusion model loader: the network alone, no text encoder, no VAE."""

    unet: UNet
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        return self.unet.weights(seed, self.dtype)
