"""The base families: what a diffusion model is, and so what may be put together with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .identity import Tensors


@dataclass(frozen=True)
class Family:
    """One family of base models.

    host_classes: names in the host's `supported_models`. latent_channels: of the latents that it denoises. size: the side
    in pixels it was trained at (0: not a picture model, or any). multiple: sides of its pictures must be multiples of
    this. text_encoders: names of `kinds.text_encoder` that it reads, all of them or, with one_of, one of them; optional: those of
    them that may be left out.
    encoder_types: values of the loaders' `type` widget that prepare the text for it, () for any; other_types: values under
    which the same encoder prepares the text for another family.
    """

    id: str
    title: str
    host_classes: tuple[str, ...] = ()
    latent_channels: int = 0
    size: int = 0
    multiple: int = 8
    text_encoders: tuple[str, ...] = ()
    encoder_types: tuple[str, ...] = ()
    one_of: bool = False
    optional: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The text encoders without which it cannot read a text; none where any of several does."""
        return () if self.one_of else tuple(name for name in self.text_encoders if name not in self.optional)


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
        one_of=True,
    ),
    Family("flux", "Flux", ("Flux", "FluxInpaint", "FluxSchnell"), 16, 1024, 16, _FLUX_ENCODERS, ("flux",)),
    Family(
        "flux2",
        "Flux 2",
        ("Flux2",),
        128,
        1024,
        16,
        ("mistral3_24b", "mistral3_24b_pruned_flux2", "qwen3_4b", "qwen3_8b", "qwen3vl_4b", "qwen3vl_8b"),
        ("flux2", "flux"),
        one_of=True,
    ),
    Family("chroma", "Chroma", ("Chroma",), 16, 1024, 16, ("t5xxl",), ("chroma", "pixart")),
    Family("chroma_radiance", "Chroma Radiance", ("ChromaRadiance",), 3, 1024, 16, ("t5xxl",), ("chroma", "pixart")),
    Family(
        "qwen_image",
        "Qwen-Image",
        ("QwenImage",),
        16,
        1328,
        16,
        ("qwen25_7b",),
        other_types=("hunyuan_image", "longcat_image"),
    ),
    Family("z_image", "Z-Image", ("ZImage",), 16, 1024, 16, ("qwen3_4b",), other_types=("flux", "flux2")),
    Family(
        "z_image_pixel_space",
        "Z-Image in pixels",
        ("ZImagePixelSpace",),
        3,
        1024,
        16,
        ("qwen3_4b",),
        other_types=("flux", "flux2"),
    ),
    Family("anima", "Anima", ("Anima",), 16, 1024, 16, ("qwen3_06b",)),
    Family(
        "lumina2",
        "Lumina 2",
        ("Lumina2",),
        16,
        1024,
        16,
        ("gemma2_2b", "gemma3_4b", "gemma3_4b_vision"),
        one_of=True,
        other_types=("pixeldit",),
    ),
    Family("auraflow", "AuraFlow", ("AuraFlow",), 4, 1024, 16, ("t5_xl",)),
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
    Family("ltxv", "LTX-Video", ("LTXV", "LTXAV"), 128, 0, 32, ("t5xxl", "gemma3_12b"), ("ltxv",), one_of=True),
    Family(
        "hidream",
        "HiDream",
        ("HiDream",),
        16,
        1024,
        16,
        ("clip_l", "clip_g", "t5xxl", "llama3_8b"),
        ("hidream",),
        one_of=True,
    ),
    Family("hidream_o1", "HiDream-O1", ("HiDreamO1",), 3, 1024, 16),
    Family(
        "stable_cascade_c",
        "Stable Cascade, stage C",
        ("Stable_Cascade_C",),
        16,
        1024,
        8,
        ("clip_g",),
        ("stable_cascade",),
    ),
    Family(
        "stable_cascade_b",
        "Stable Cascade, stage B",
        ("Stable_Cascade_B",),
        4,
        1024,
        8,
        ("clip_g",),
        ("stable_cascade",),
    ),
    Family("long_cat_image", "LongCat-Image", ("LongCatImage",), 16, 1024, 16, ("qwen25_7b",), ("longcat_image",)),
    Family(
        "hunyuan_image21",
        "HunyuanImage 2.1",
        ("HunyuanImage21",),
        64,
        2048,
        32,
        ("qwen25_7b", "byt5_small_glyph"),
        optional=("byt5_small_glyph",),
    ),
    Family(
        "hunyuan_image21_refiner",
        "HunyuanImage 2.1 refiner",
        ("HunyuanImage21Refiner",),
        64,
        2048,
        16,
    ),
    Family(
        "hunyuan_video15",
        "HunyuanVideo 1.5",
        ("HunyuanVideo15", "HunyuanVideo15_SR_Distilled"),
        32,
        0,
        16,
        ("qwen25_7b", "byt5_small_glyph"),
        optional=("byt5_small_glyph",),
    ),
    Family("genmo_mochi", "Mochi", ("GenmoMochi",), 12, 0, 16, ("t5xxl",)),
    Family("cosmos", "Cosmos", ("CosmosT2V", "CosmosI2V"), 16, 0, 16, ("t5xxl",)),
    Family("cosmos_predict2", "Cosmos Predict 2", ("CosmosT2IPredict2", "CosmosI2VPredict2"), 16, 0, 16, ("t5xxl",)),
    Family(
        "cog_video_x",
        "CogVideoX",
        ("CogVideoX_T2V", "CogVideoX_I2V", "CogVideoX_Inpaint"),
        16,
        0,
        16,
        ("t5xxl",),
        ("cogvideox",),
    ),
    Family("mini_max_h3", "MiniMax H3", ("MiniMaxH3",), 32, 0, 16, ("qwen3vl_32b",)),
    Family("seed_vr2", "SeedVR2", ("SeedVR2",), 16, 0, 16),
    Family("omnigen2", "OmniGen 2", ("Omnigen2",), 16, 1024, 16, ("qwen25_3b",)),
    Family("boogu", "Boogu-Image", ("Boogu",), 16, 1024, 16, ("qwen3vl_8b",), ("boogu",)),
    Family("mage_flow", "Mage-Flow", ("MageFlow",), 128, 1024, 16, ("qwen3vl_4b",), ("mage",)),
    Family("joy_image", "JoyImage", ("JoyImage",), 16, 1024, 16, ("qwen3vl_8b",), ("joyimage",)),
    Family(
        "ideogram4",
        "Ideogram 4",
        ("Ideogram4",),
        128,
        1024,
        16,
        ("qwen3vl_8b", "qwen3_8b"),
        ("ideogram4",),
        one_of=True,
    ),
    Family("krea2", "Krea 2", ("Krea2",), 16, 1024, 16, ("qwen3vl_4b",), ("krea2",)),
    Family("lens", "Lens", ("Lens",), 128, 1024, 16, ("gpt_oss_20b",)),
    Family("ernie_image", "ERNIE-Image", ("ErnieImage",), 128, 1024, 16, ("ministral_3_3b",)),
    Family(
        "kandinsky5_image",
        "Kandinsky 5 Image",
        ("Kandinsky5Image",),
        16,
        1024,
        16,
        ("clip_l", "qwen25_7b"),
        ("kandinsky5_image",),
    ),
    Family("kandinsky5", "Kandinsky 5", ("Kandinsky5",), 16, 0, 16, ("clip_l", "qwen25_7b"), ("kandinsky5",)),
    Family("pixel_di_t_t2_i", "PixelDiT", ("PixelDiTT2I",), 3, 1024, 16, ("gemma2_2b",), ("pixeldit",)),
    Family("pi_d", "PiD", ("PiD",), 3, 0, 16, ("gemma2_2b",), ("pixeldit",)),
    Family("stable_audio", "Stable Audio", ("StableAudio",), 64, text_encoders=("t5_base",)),
    Family("stable_audio3", "Stable Audio 3", ("StableAudio3",), 256, text_encoders=("t5_gemma",)),
    Family("acestep", "ACE-Step", ("ACEStep",), 8, text_encoders=("t5_base",)),
    Family("acestep15", "ACE-Step 1.5", ("ACEStep15",), 64),
    Family("hunyuan3_dv2", "Hunyuan3D 2", ("Hunyuan3Dv2", "Hunyuan3Dv2mini", "Hunyuan3Dv2_1"), 64),
    Family("tripo_splat", "TripoSplat", ("TripoSplat",), 16),
    # No models of pictures: they find, cut out or measure, and have no latents.
    Family("sam3", "SAM 3", ("SAM3", "SAM31")),
    Family("rt_detr_v4", "RT-DETR v4", ("RT_DETR_v4",)),
    Family("depth_anything3", "Depth Anything 3", ("DepthAnything3",)),
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


@lru_cache(maxsize=1024)
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
