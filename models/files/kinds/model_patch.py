"""A model patch: controls and adapters that the host's node Load Model Patch reads."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors

# (layout, title, family, the name that the host's loader asks for)
_SIGNS = (
    ("anima_lllite", "ControlNet-LLLite", "anima", "lllite_conditioning1.conv1.weight"),
    ("qwen_blockwise", "DiffSynth control", "qwen_image", "controlnet_blocks.0.y_rms.weight"),
    ("uso", "USO style projection", "flux", "feature_embedder.mid_layer_norm.bias"),
    ("z_image_fun", "Fun control", "z_image", "control_all_x_embedder.2-1.weight"),
    ("uni3c", "Uni3C control", "wan", "controlnet_patch_embedding.weight"),
    ("multitalk", "MultiTalk audio adapter", "wan", "audio_proj.proj1.weight"),
    ("supir", "SUPIR control", "sdxl", "model.control_model.input_hint_block.0.weight"),
    ("supir", "SUPIR control", "sdxl", "project_modules.0.norm.weight"),
)


def recognise(tensors: Tensors) -> Identity | None:
    """The signs of the host's loader, in its order."""
    for layout, title, family, name in _SIGNS:
        if name in tensors.shapes:
            return Identity("model_patch", f"{title} for {titles((family,))}", (family,), layout, (name,))
    return None


MODEL_PATCH = Kind(
    "model_patch",
    "model patch",
    ("model_patches",),
    ("ModelPatchLoader",),
    recognise,
    tuple(dict.fromkeys(family for _, _, family, _ in _SIGNS)),
)
