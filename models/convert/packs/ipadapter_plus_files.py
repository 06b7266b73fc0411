"""The files that the unified loaders of ComfyUI_IPAdapter_plus look for, by the names under which they were released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import Keep, Node


@dataclass(frozen=True)
class Files:
    """Names in models/ipadapter and models/clip_vision."""

    adapter: str
    encoder: str


UNIFIED: Mapping[str, Mapping[str, Any]] = {
    "IPAdapterUnifiedLoader": {"preset": "PLUS (high strength)"},
    "IPAdapterUnifiedLoaderFaceID": {"preset": "FACEID", "lora_strength": 0.6, "provider": "CPU"},
    "IPAdapterUnifiedLoaderCommunity": {"preset": "Composition"},
}

_VIT_H, _VIT_G = "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors", "CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors"
_KOLORS = "clip-vit-large-patch14-336.bin"
# By the first word of a preset: for SD 1.5 and for SDXL, "" where there is none.
_PRESETS: Mapping[str, tuple[str, str]] = {
    "LIGHT": ("ip-adapter_sd15_light_v11.bin", ""),
    "STANDARD": ("ip-adapter_sd15.safetensors", "ip-adapter_sdxl_vit-h.safetensors"),
    "VIT-G": ("ip-adapter_sd15_vit-G.safetensors", "ip-adapter_sdxl.safetensors"),
    "PLUS FACE": ("ip-adapter-plus-face_sd15.safetensors", "ip-adapter-plus-face_sdxl_vit-h.safetensors"),
    "PLUS": ("ip-adapter-plus_sd15.safetensors", "ip-adapter-plus_sdxl_vit-h.safetensors"),
    "FULL FACE": ("ip-adapter-full-face_sd15.safetensors", ""),
    "COMPOSITION": ("ip_plus_composition_sd15.safetensors", "ip_plus_composition_sdxl.safetensors"),
    "KOLORS": ("", "Kolors-IP-Adapter-Plus.bin"),
}


def preset_files(loader: Node, base: str) -> Files:
    """The files of a loader's preset. base: "sd15" or "sdxl". Raises Keep where that cannot be told, or it needs insightface."""
    preset = loader.value("preset", "")
    if loader.link("preset") is not None or not isinstance(preset, str):
        raise Keep(f"the preset of {loader.label} is linked")
    if loader.kind == "IPAdapterUnifiedLoaderFaceID":
        raise Keep(
            f"{loader.label} finds faces with insightface; link Face Embeddings to Apply IP-Adapter by hand, which takes the "
            "same files"
        )
    upper = preset.upper()
    start = next((one for one in _PRESETS if upper.startswith(one)), None)
    if start is None:
        raise Keep(f"the preset {preset!r} of {loader.label} is not known")
    if base not in ("sd15", "sdxl"):
        raise Keep(f"which files {loader.label} loads depends on the model: give --base sd15 or --base sdxl")
    adapter = _PRESETS[start][base == "sdxl"]
    if not adapter:
        raise Keep(f"there is no file for the preset {preset!r} of {loader.label} with --base {base}")
    return Files(adapter, {"VIT-G": _VIT_G, "KOLORS": _KOLORS}.get(start, _VIT_H))
