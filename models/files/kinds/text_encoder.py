"""A text encoder, by the host's own detection."""

from __future__ import annotations

from typing import Any

from ..host_detection import detect_text_encoder
from ..identity import Identity, Kind, Tensors
from .clip_vision import encoder_title, vision_encoder

_TITLES = {
    "clip_l": "CLIP-L",
    "clip_h": "CLIP-H",
    "clip_g": "CLIP-G",
    "jina_clip_2": "Jina CLIP 2",
    "t5xxl": "T5-XXL",
    "umt5xxl": "UMT5-XXL",
    "t5_xl": "T5-XL",
    "t5_base": "T5 base",
    "t5_gemma": "T5Gemma",
    "byt5_small_glyph": "ByT5 small (Glyph)",
    "gemma2_2b": "Gemma 2 2B",
    "gemma3_4b": "Gemma 3 4B",
    "gemma3_4b_vision": "Gemma 3 4B with vision",
    "gemma3_12b": "Gemma 3 12B",
    "gemma4_e2b": "Gemma 4 E2B",
    "gemma4_e4b": "Gemma 4 E4B",
    "gemma4_12b": "Gemma 4 12B",
    "gemma4_31b": "Gemma 4 31B",
    "gpt_oss_20b": "GPT-OSS 20B",
    "llama3_8b": "Llama 3 8B",
    "mistral3_24b": "Mistral 3 24B",
    "mistral3_24b_pruned_flux2": "Mistral 3 24B (pruned for Flux 2)",
    "ministral_3_3b": "Ministral 3 3B",
    "qwen25_3b": "Qwen2.5-VL 3B",
    "qwen25_7b": "Qwen2.5-VL 7B",
    "qwen3_06b": "Qwen3 0.6B",
    "qwen3_2b": "Qwen3 2B",
    "qwen3_4b": "Qwen3 4B",
    "qwen3_8b": "Qwen3 8B",
    "qwen35_08b": "Qwen3.5 0.8B",
    "qwen35_2b": "Qwen3.5 2B",
    "qwen35_4b": "Qwen3.5 4B",
    "qwen35_9b": "Qwen3.5 9B",
    "qwen35_27b": "Qwen3.5 27B",
    "qwen3vl_4b": "Qwen3-VL 4B",
    "qwen3vl_8b": "Qwen3-VL 8B",
    "qwen3vl_32b": "Qwen3-VL 32B",
}
_HOST_NAMES = {
    "t5_xxl": "t5xxl",
    "t5_xxl_old": "t5xxl",
    "gemma_2_2b": "gemma2_2b",
    "gemma_3_4b": "gemma3_4b",
    "gemma_3_4b_vision": "gemma3_4b_vision",
    "gemma_3_12b": "gemma3_12b",
    "gemma_4_e2b": "gemma4_e2b",
    "gemma_4_e4b": "gemma4_e4b",
    "gemma_4_12b": "gemma4_12b",
    "gemma_4_31b": "gemma4_31b",
    "llama3_8": "llama3_8b",
}
_ROOTS = ("text_model", "encoder", "model", "layers", "visual", "transformer", "shared", "token_embd")
_MULTILINGUAL_WORDS = 256384  # UMT5's vocabulary; T5's has 32128


def encoder_name(host_name: str) -> str:
    """Our name for what the host calls a text encoder, in lower case."""
    return _HOST_NAMES.get(host_name, host_name)


def encoder_name_title(name: str) -> str:
    """The text encoder's name for a person."""
    return _TITLES.get(name, name)


def recognise(tensors: Tensors) -> Identity | None:
    """What the host's loader would make of it."""
    if not tensors.roots.intersection(_ROOTS) or tensors.any_starts("model.diffusion_model."):
        return None
    host_name = detect_text_encoder(tensors)
    if host_name is None:
        return None
    name = encoder_name(host_name)
    if name == "t5xxl" and tensors.size("shared.weight", 0) == _MULTILINGUAL_WORDS:
        name = "umt5xxl"
    traits: dict[str, Any] = {"text_encoder": name}
    title = f"text encoder {encoder_name_title(name)}"
    vision = vision_encoder(tensors)
    if vision is not None and name.startswith("clip"):
        traits |= {"also": ["clip_vision"], "encoder": vision[0]}
        title += f", with {encoder_title(vision[0])}"
    return Identity("text_encoder", title, evidence=(f"the host detects {host_name}",), traits=traits)


TEXT_ENCODER = Kind(
    "text_encoder",
    "text encoder",
    ("text_encoders", "clip"),
    ("CLIPLoader", "DualCLIPLoader", "TripleCLIPLoader", "QuadrupleCLIPLoader"),
    recognise,
)
