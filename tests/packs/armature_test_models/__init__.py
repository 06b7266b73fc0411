"""A pack for the tests: small networks of families whose released sizes are too large to be made for a test.

They take the place of the loaders in an example graph; every other node of it runs as it is.
"""

import comfy.sd
import comfy.taesd.taehv
import comfy.taesd.taesd
import torch

from . import networks

VIDEO = ("qwen_image", "anima")  # whose latents have frames
CONTROLS = {"z_image": "z_image", "qwen_image": "qwen", "anima": "anima"}


class _OfFamily:
    """A node that is asked for a family."""

    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"family": (list(networks.FAMILIES),)}}


class SmallModel(_OfFamily):
    """MODEL of a family."""

    RETURN_TYPES = ("MODEL",)

    def make(self, family):
        return (networks.small_model(family),)


class SmallText:
    """CONDITIONING of a text, as wide as the family reads it; each text has its own."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"family": (list(networks.TEXT),), "text": ("STRING", {})}}

    def make(self, family, text):
        generator = torch.Generator().manual_seed(sum(text.encode()))
        embeddings = torch.randn(1, 6, networks.TEXT[family], generator=generator)
        pooled = networks.POOLED.get(family)
        return ([[embeddings, {"pooled_output": torch.ones(1, pooled)} if pooled else {}]],)


class SmallVision:
    """CLIP_VISION whose embeddings are as wide as asked for."""

    RETURN_TYPES = ("CLIP_VISION",)
    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"width": ("INT", {"default": 768, "min": 1, "max": 4096})}}

    def make(self, width):
        return (networks.small_vision(width),)


class SmallVAE(_OfFamily):
    """VAE: the host's tiny autoencoders, with frames or without."""

    RETURN_TYPES = ("VAE",)

    def make(self, family):
        tiny = comfy.taesd.taehv.TAEHV if family in VIDEO else comfy.taesd.taesd.TAESD
        network = networks.seeded(tiny(latent_channels=16), 0.05, 3)
        return (comfy.sd.VAE(sd=network.state_dict()),)


class SmallControl(_OfFamily):
    """MODEL_PATCH of a family."""

    RETURN_TYPES = ("MODEL_PATCH",)

    def make(self, family):
        return (networks.small_patch(CONTROLS[family]),)


class SmallControlNet:
    """CONTROL_NET for Flux."""

    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def make(self):
        return (networks.flux_control_net(),)


NODE_CLASS_MAPPINGS = {
    "ArmatureTestModel": SmallModel,
    "ArmatureTestText": SmallText,
    "ArmatureTestVision": SmallVision,
    "ArmatureTestVAE": SmallVAE,
    "ArmatureTestControl": SmallControl,
    "ArmatureTestControlNet": SmallControlNet,
}
