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
    "t5xxl": "T5-XXL",
    "umt5xxl": "UMT5-XXL",
    "qwen25_7b": "Qwen2.5-VL 7B",
    "qwen3_4b": "Qwen3 4B",
    "gemma2_2b": "Gemma 2 2B",
    "llama3_8b": "Llama 3 8B",
}
_HOST_NAMES = {
    "t5_xxl": "t5xxl",
    "t5_xxl_old": "t5xxl",
    "gemma_2_2b": "gemma2_2b",
    "llama3_8": "llama3_8b",
}
_ROOTS = ("text_model", "encoder", "model", "layers", "visual", "transformer", "shared", "token_embd")
_MULTILINGUAL_WORDS = 256384  # UMT5's vocabulary; T5's has 32128


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
    name = _HOST_NAMES.get(host_name, host_name)
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
