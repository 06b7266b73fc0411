"""What the files are that other people's graphs name: an index for graphs whose files nobody has here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from armature_pack.models.files.families import family_of_host_class
from armature_pack.models.files.identity import Identity
from armature_pack.models.files.index import ModelFile, ModelIndex

# (pattern in the name, class of the host); the first that matches counts.
BASES = (
    (r"flux-?2|flux_2", "Flux2"),
    (r"flux1-schnell", "FluxSchnell"),
    (r"flux1-fill|flux\.1-fill", "FluxInpaint"),
    (r"pid_|controlnet", ""),
    (r"flux1", "Flux"),
    (r"chroma-radiance", "ChromaRadiance"),
    (r"chroma1", "Chroma"),
    (r"sd_xl_refiner", "SDXLRefiner"),
    (r"sd_xl", "SDXL"),
    (r"sd3\.5", "SD3"),
    (r"svd_xt", "SVD_img2vid"),
    (r"v1-5|dreamshaper_8", "SD15"),
    (r"z_image", "ZImage"),
    (r"qwen_image", "QwenImage"),
    (r"wan.*vace", "WAN21_Vace"),
    (r"wan2\.2_(ti2v|fun_control|fun_inpaint)_5b", "WAN22_T2V"),
    (r"wan2\.1|wan2\.2|wan2_1|wan21", "WAN21_T2V"),
    (r"hunyuan_video_t2v", "HunyuanVideo"),
    (r"netayume", "Lumina2"),
    (r"hidream_(i1|e1)", "HiDream"),
    (r"omnigen2", "Omnigen2"),
)
ENCODERS = (
    (r"clip_l\.", "clip_l"),
    (r"umt5", "umt5xxl"),
    (r"t5xxl", "t5xxl"),
    (r"qwen_2\.5_vl_7b", "qwen25_7b"),
    (r"qwen_3_4b", "qwen3_4b"),
    (r"llava_llama3", "llama3_8b"),
)
VAES = (
    (r"^ae\.", 16, ["SD3", "Flux"]),
    (r"flux2", 128, ["Flux2"]),
    (r"wan2\.2_vae", 48, ["Wan22"]),
    (r"wan_2\.1_vae|wan2_1_vae|qwen_image_vae", 16, ["Wan21"]),
    (r"hunyuan_video_vae", 16, ["HunyuanVideo"]),
    (r"vae-ft-mse", 4, ["SD15", "SDXL"]),
)
VISION = ((r"clip_vision_h", "vit_h"), (r"clip_vision_g", "vit_bigg"), (r"sigclip", "siglip_384"))
CONTROLS = ((r"sd3\.5", "sd3"), (r"qwen-image", "qwen_image"), (r"z-image", "z_image"), (r"uso-flux", "flux"))


def identity_of(folder: str, name: str) -> Identity | None:
    """The identity of a well-known file by its published name; None for one that is not listed here."""
    low = name.lower().replace("\\", "/").rpartition("/")[2]
    if folder in ("checkpoints", "diffusion_models"):
        return _base(folder, low)
    tables: dict[str, tuple[Any, str, str]] = {
        "text_encoders": (ENCODERS, "text_encoder", "text_encoder"),
        "clip_vision": (VISION, "clip_vision", "encoder"),
    }
    if folder in tables:
        table, kind, trait = tables[folder]
        found = next((value for pattern, value in table if re.search(pattern, low)), None)
        return Identity(kind, low, traits={trait: found}) if found else None
    if folder == "vae":
        vae = next(((count, formats) for pattern, count, formats in VAES if re.search(pattern, low)), None)
        traits = {"latent_channels": vae[0], "latent_formats": vae[1]} if vae else {}
        return Identity("vae", low, traits=traits) if vae else None
    if folder in ("controlnet", "model_patches"):
        family = next((value for pattern, value in CONTROLS if re.search(pattern, low)), None)
        kind = "controlnet" if folder == "controlnet" else "model_patch"
        return Identity(kind, low, (family,)) if family else None
    return None


def _base(folder: str, name: str) -> Identity | None:
    from comfy import supported_models

    host_class = next((value for pattern, value in BASES if re.search(pattern, name)), "")
    if not host_class:
        return None
    latent = getattr(supported_models, host_class).latent_format
    whole = folder == "checkpoints"
    traits = {
        "host_class": host_class,
        "latent_format": latent.__name__,
        "latent_channels": latent.latent_channels,
        "parts": ["model", "vae", "text_encoder"] if whole else ["model"],
    }
    kind = "checkpoint" if whole else "diffusion_model"
    return Identity(kind, name, (family_of_host_class(host_class).id,), traits=traits)


class NamedIndex(ModelIndex):
    """Every name is there, and is what its name says."""

    def __init__(self) -> None:
        super().__init__({})
        self.folders = dict.fromkeys(_FOLDERS, ())

    def find(self, folder: str, name: str) -> ModelFile | None:
        return ModelFile(folder, name, Path("/nowhere") / folder / name, 1, identity_of(folder, name))


_FOLDERS = (
    "checkpoints",
    "diffusion_models",
    "vae",
    "vae_approx",
    "text_encoders",
    "clip_vision",
    "controlnet",
    "loras",
    "ipadapter",
    "style_models",
    "gligen",
    "upscale_models",
    "model_patches",
    "embeddings",
)
