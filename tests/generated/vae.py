"""A VAE of 2.4 million parameters: the layout of TAESD, which the host accepts wherever it accepts a VAE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from armature_pack.tests.generated.weights import random_weights, shapes_of

if TYPE_CHECKING:
    from torch import Tensor

# Residual blocks of ReLUs add up; these gains keep a latent near the size that the sampler expects, and the decoded colours
# mostly inside 0..1, where an image is not clipped.
RESIDUAL_GAIN = 0.3
ENCODER_GAIN = 1.4
COLOUR_GAIN = 0.25
MIDDLE_GRAY = 0.5


@dataclass(frozen=True)
class Taesd:
    """A file for the host's VAE loader; ``latent_format`` is a class name in ``comfy.latent_formats``."""

    latent_format: str
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        import comfy.latent_formats
        import torch
        from comfy.taesd.taesd import TAESD

        latent_format = getattr(comfy.latent_formats, self.latent_format)()
        with torch.device("meta"):
            network = TAESD(latent_channels=latent_format.latent_channels)
        colour = f"taesd_decoder.{len(network.taesd_decoder) - 1}"
        gains = {f"{colour}.weight": COLOUR_GAIN, ".conv.4.": RESIDUAL_GAIN, "taesd_encoder.": ENCODER_GAIN}
        shapes = {name: shape for name, shape in shapes_of(network).items() if shape}
        weights = random_weights(shapes, seed, self.dtype, gains)
        weights[f"{colour}.bias"] += MIDDLE_GRAY
        # TAESD works on latents of the sampler's scale; the host hands it unscaled ones and reads the factor from the file.
        weights["vae_scale"] = torch.tensor(latent_format.scale_factor)
        weights["vae_shift"] = torch.tensor(0.0)
        return weights
