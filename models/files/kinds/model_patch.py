"""A model patch: controls and adapters that the host's node Load Model Patch reads."""

from __future__ import annotations

from dataclasses import dataclass

from ..families import titles
from ..identity import Identity, Kind, Tensors


@dataclass(frozen=True)
class _Sign:
    """A layout: its title, its family, and the name that the host's loader asks for.

    needs_vae: whether its map is encoded. input: the tensor whose width tells an inpainting patch, and the width (or count)
    of one that takes no mask. no_loader: whether the host has no loader for it.
    """

    layout: str
    title: str
    family: str
    name: str
    needs_vae: bool = True
    input: tuple[str, int] = ("", 0)
    no_loader: bool = False


_SIGNS = (
    _Sign(
        "anima_lllite",
        "ControlNet-LLLite",
        "anima",
        "lllite_conditioning1.conv1.weight",
        needs_vae=False,
        input=("lllite_conditioning1.conv1.weight", 3),
    ),
    _Sign(
        "qwen_blockwise",
        "DiffSynth control",
        "qwen_image",
        "controlnet_blocks.0.y_rms.weight",
        input=("img_in.weight", 64),
    ),
    _Sign("uso", "USO style projection", "flux", "feature_embedder.mid_layer_norm.bias", needs_vae=False),
    _Sign("z_image_fun", "Fun control", "z_image", "control_all_x_embedder.2-1.weight"),
    _Sign("uni3c", "Uni3C control", "wan", "controlnet_patch_embedding.weight"),
    _Sign("multitalk", "MultiTalk audio adapter", "wan", "audio_proj.proj1.weight", needs_vae=False),
    _Sign("supir", "SUPIR control", "sdxl", "model.control_model.input_hint_block.0.weight"),
    _Sign("supir", "SUPIR control", "sdxl", "control_model.input_hint_block.0.weight"),
    _Sign("supir", "SUPIR control", "sdxl", "project_modules.0.norm.weight"),
    _Sign("flux2_fun", "Fun control", "flux2", "control_transformer_blocks.0.after_proj.weight", no_loader=True),
)


def recognise(tensors: Tensors) -> Identity | None:
    """The signs of the host's loader, in its order."""
    sign = next((one for one in _SIGNS if one.name in tensors.shapes), None)
    if sign is None or (sign.name.startswith("control_model.") and not tensors.any_starts("project_modules.")):
        return None
    source, plain = sign.input
    inpaints = bool(source) and tensors.size(source, 1) > plain
    title = f"{sign.title} for {titles((sign.family,))}{' (inpainting)' if inpaints else ''}"
    traits = {"needs_vae": sign.needs_vae, "needs_mask": inpaints, "no_loader": sign.no_loader}
    return Identity("model_patch", title, (sign.family,), sign.layout, (sign.name,), traits=traits)


MODEL_PATCH = Kind(
    "model_patch",
    "model patch",
    ("model_patches",),
    ("ModelPatchLoader",),
    recognise,
    tuple(dict.fromkeys(sign.family for sign in _SIGNS)),
)
