"""The base families: what a diffusion model is, and so what may be put together with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .identity import Tensors


@dataclass(frozen=True)
class Family:
    """One family of base models.

    host_classes: names in the host's `supported_models`. latent_channels: of the latents that it denoises. size: the side
    in pixels it was trained at (0: not a picture model, or any). multiple: sides of its pictures must be multiples of
    this. text_encoders: names of `kinds.text_encoder` that it reads. encoder_types: values of the loaders' `type` widget.
    guidance: the range of `cfg` that gives usable pictures.
    """

    id: str
    title: str
    host_classes: tuple[str, ...] = ()
    latent_channels: int = 0
    size: int = 0
    multiple: int = 8
    text_encoders: tuple[str, ...] = ()
    encoder_types: tuple[str, ...] = ()
    guidance: tuple[float, float] = (0.0, 30.0)


_FLUX_ENCODERS = ("clip_l", "t5xxl")

FAMILIES: tuple[Family, ...] = (
    Family(
        "sd15",
        "SD 1.5",
        ("SD15", "SD15_instructpix2pix", "Stable_Zero123"),
        4,
        512,
        text_encoders=("clip_l",),
        encoder_types=("stable_diffusion",),
    ),
    Family(
        "sd2",
        "SD 2",
        ("SD20", "SD21UnclipL", "SD21UnclipH", "LotusD"),
        4,
        768,
        text_encoders=("clip_h",),
        encoder_types=("stable_diffusion",),
    ),
    Family("sd_x4_upscaler", "SD x4 Upscaler", ("SD_X4Upscaler",), 4, 0, text_encoders=("clip_h",)),
    Family(
        "sdxl",
        "SDXL",
        ("SDXL", "SSD1B", "Segmind_Vega", "KOALA_700M", "KOALA_1B", "SDXL_instructpix2pix"),
        4,
        1024,
        text_encoders=("clip_l", "clip_g"),
        encoder_types=("sdxl", "stable_diffusion"),
    ),
    Family(
        "sdxl_refiner",
        "SDXL refiner",
        ("SDXLRefiner",),
        4,
        1024,
        text_encoders=("clip_g",),
        encoder_types=("sdxl", "stable_diffusion"),
    ),
    Family("svd", "Stable Video Diffusion", ("SVD_img2vid", "SV3D_u", "SV3D_p"), 4, 576),
    Family(
        "sd3",
        "SD 3 / 3.5",
        ("SD3",),
        16,
        1024,
        16,
        ("clip_l", "clip_g", "t5xxl"),
        ("sd3",),
    ),
    Family("flux", "Flux", ("Flux", "FluxInpaint", "FluxSchnell"), 16, 1024, 16, _FLUX_ENCODERS, ("flux",)),
    Family("flux2", "Flux 2", ("Flux2",), 128, 1024, 16, (), ("flux2",)),
    Family("chroma", "Chroma", ("Chroma", "ChromaRadiance"), 16, 1024, 16, ("t5xxl",), ("chroma",)),
    Family("qwen_image", "Qwen-Image", ("QwenImage",), 16, 1328, 16, ("qwen25_7b",), ("qwen_image",)),
    Family("z_image", "Z-Image", ("ZImage",), 16, 1024, 16, ("qwen3_4b",), ("lumina2", "qwen_image")),
    Family("anima", "Anima", ("Anima",), 16, 1024, 16),
    Family("lumina2", "Lumina 2", ("Lumina2",), 16, 1024, 16, ("gemma2_2b",), ("lumina2",)),
    Family("auraflow", "AuraFlow", ("AuraFlow",), 4, 1024, 16),
    Family("pixart", "PixArt", ("PixArtAlpha", "PixArtSigma"), 4, 1024, 8, ("t5xxl",), ("pixart",)),
    Family("hunyuan_dit", "HunyuanDiT", ("HunyuanDiT", "HunyuanDiT1"), 4, 1024, 16),
    Family(
        "wan",
        "Wan 2.1 / 2.2",
        (
            "WAN21_T2V",
            "WAN21_I2V",
            "WAN21_FunControl2V",
            "WAN21_Camera",
            "WAN22_Camera",
            "WAN21_Vace",
            "WAN21_HuMo",
            "WAN22_S2V",
            "WAN22_Animate",
            "WAN21_CausalAR_T2V",
            "WAN21_FlowRVS",
            "WAN21_SCAIL",
            "WAN21_SCAIL2",
            "WAN22_WanDancer",
        ),
        16,
        0,
        16,
        ("umt5xxl",),
        ("wan",),
    ),
    Family("wan22_5b", "Wan 2.2 5B", ("WAN22_T2V",), 48, 0, 32, ("umt5xxl",), ("wan",)),
    Family(
        "hunyuan_video",
        "HunyuanVideo",
        ("HunyuanVideo", "HunyuanVideoI2V", "HunyuanVideoSkyreelsI2V"),
        16,
        0,
        16,
        ("clip_l", "llama3_8b"),
        ("hunyuan_video",),
    ),
    Family("ltxv", "LTX-Video", ("LTXV", "LTXAV"), 128, 0, 32, (), ("ltxv",)),
    Family("hidream", "HiDream", ("HiDream",), 16, 1024, 16, (), ("hidream",)),
)

_BY_ID = {family.id: family for family in FAMILIES}
_BY_HOST_CLASS = {name: family for family in FAMILIES for name in family.host_classes}


def family_of_host_class(name: str) -> Family:
    """The family of a class of the host; one of its own, of which little is known, for classes that are not listed."""
    found = _BY_HOST_CLASS.get(name)
    return found or Family(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(), name.replace("_", " "))


def find_family(family_id: str) -> Family:
    """The family with this id; one that knows nothing but its name when there is none."""
    return _BY_ID.get(family_id) or Family(family_id, family_id.replace("_", " "))


def titles(family_ids: tuple[str, ...]) -> str:
    """'SDXL or SD 1.5' for a person; 'an unknown family' when there are none."""
    return " or ".join(find_family(one).title for one in family_ids) or "an unknown family"


# Width of the text features that cross-attention reads: what tells the UNet families apart in any file that holds a
# projection of them (control nets, LoRAs, IP-Adapters, UNet weights).
FAMILY_OF_CONTEXT = {768: "sd15", 1024: "sd2", 1280: "sdxl_refiner", 2048: "sdxl"}


def family_by_context(tensors: Tensors, *endings: str) -> tuple[str | None, str | None]:
    """(family, its name) of the first tensor that ends in one of these, by the width that it reads; None for what is unknown."""
    name = tensors.first(*endings)
    return (FAMILY_OF_CONTEXT.get(tensors.size(name, 1)) if name else None), name
