"""A CLIP vision model (or SigLIP, DINO): what image prompts are read with."""

from __future__ import annotations

from ..identity import Identity, Kind, Tensors, shown

_NORM = "vision_model.encoder.layers.0.layer_norm1.weight"
_POSITIONS = "vision_model.embeddings.position_embedding.weight"
_OPEN_CLIP = "visual.transformer.resblocks.0.attn.in_proj_weight"

# (name, width of its hidden states, width of its embeddings); names as in IP-Adapter's own file list.
ENCODERS = {
    "vit_l": ("CLIP ViT-L/14", 1024, 768),
    "vit_l_336": ("CLIP ViT-L/14 at 336 px", 1024, 768),
    "vit_h": ("CLIP ViT-H/14", 1280, 1024),
    "vit_bigg": ("CLIP ViT-bigG/14", 1664, 1280),
    "siglip_384": ("SigLIP so400m at 384 px", 1152, 1152),
    "siglip_512": ("SigLIP so400m at 512 px", 1152, 1152),
    "siglip_naflex": ("SigLIP 2 NaFlex", 1152, 1152),
    "dinov2_large": ("DINOv2 large", 1024, 1024),
    "dinov2_giant": ("DINOv2 giant", 1536, 1536),
    "dinov3_h": ("DINOv3 ViT-H/16+", 1280, 1280),
}


def encoder_title(name: str) -> str:
    """The encoder's name for a person."""
    return ENCODERS[name][0] if name in ENCODERS else name


def recognise(tensors: Tensors) -> Identity | None:
    """By the number of layers and the width, as the host's loader does."""
    if any(root == "text_model" for root in tensors.roots):
        return None  # a whole CLIP model; its text half names it, and it can be loaded as either
    found = vision_encoder(tensors)
    if found is None:
        return None
    name, sign = found
    title, hidden, projection = ENCODERS[name]
    return Identity(
        "clip_vision", title, evidence=(sign,), traits={"encoder": name, "hidden": hidden, "projection": projection}
    )


def vision_encoder(tensors: Tensors) -> tuple[str, str] | None:
    """(name, evidence) of the vision encoder in a file."""
    if tensors.has(_OPEN_CLIP):
        width = tensors.size(_OPEN_CLIP, 1)
        name = {1024: "vit_l", 1280: "vit_h", 1664: "vit_bigg"}.get(width)
        return (name, shown(tensors, _OPEN_CLIP)) if name else None
    if tensors.has(_NORM):
        name = _transformers(tensors)
        return (name, shown(tensors, _NORM)) if name else None
    for name, sign in (
        ("dinov2_giant", "encoder.layer.39.layer_scale2.lambda1"),
        ("dinov2_large", "encoder.layer.23.layer_scale2.lambda1"),
        ("dinov3_h", "layer.31.norm1.weight"),
    ):
        if tensors.has(sign):
            return name, sign
    return None


def _transformers(tensors: Tensors) -> str | None:
    for layer, name in ((47, "vit_bigg"), (30, "vit_h")):
        if tensors.has(f"vision_model.encoder.layers.{layer}.layer_norm1.weight"):
            return name
    if not tensors.has("vision_model.encoder.layers.22.layer_norm1.weight"):
        return None
    if tensors.size(_NORM, 0) == 1152:
        patches = len(tensors.shapes.get("vision_model.embeddings.patch_embedding.weight", ()))
        return "siglip_naflex" if patches == 2 else {729: "siglip_384"}.get(tensors.size(_POSITIONS, 0), "siglip_512")
    return "vit_l_336" if tensors.size(_POSITIONS, 0) == 577 else "vit_l"


CLIP_VISION = Kind("clip_vision", "CLIP vision model", ("clip_vision",), ("CLIPVisionLoader",), recognise)
