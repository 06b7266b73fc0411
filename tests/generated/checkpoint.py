"""A checkpoint: network, text encoder and VAE in one file, as the host's checkpoint loader expects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.text_encoder import ClipL, ClipLG
from armature_pack.tests.generated.unet import UNet, VideoUNet
from armature_pack.tests.generated.vae import Taesd
from armature_pack.tests.generated.vision import ClipVisionH

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """The parts hold the same numbers as the files made from them alone with the same seed."""

    unet: UNet
    unet_dtype: str
    text_encoder: ClipL | ClipLG
    vae: Taesd

    def build(self, seed: int) -> dict[str, Tensor]:
        # The prefixes inside a checkpoint differ by family; the host's own saving code knows them.
        config = self.unet.model_config()
        return {
            **config.process_unet_state_dict_for_saving(self.unet.weights(seed, self.unet_dtype)),
            **config.process_clip_state_dict_for_saving(self.text_encoder.weights(seed)),
            **config.process_vae_state_dict_for_saving(self.vae.build(seed)),
        }


@dataclass(frozen=True)
class VideoCheckpoint:
    """An image-to-video checkpoint: it sees the first frame through an image encoder instead of a prompt."""

    unet: VideoUNet
    unet_dtype: str
    vision: ClipVisionH
    vae: Taesd

    def build(self, seed: int) -> dict[str, Tensor]:
        config = self.unet.model_config()
        return {
            **config.process_unet_state_dict_for_saving(self.unet.weights(seed, self.unet_dtype)),
            **config.process_clip_vision_state_dict_for_saving(self.vision.weights()),
            **config.process_vae_state_dict_for_saving(self.vae.build(seed)),
        }
