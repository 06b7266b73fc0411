"""A ControlNet for a diffusion transformer: Flux, SD 3, Qwen-Image, HunyuanDiT."""

from __future__ import annotations

from dataclasses import dataclass

from ..families import titles
from ..identity import Identity, Kind, Tensors


@dataclass(frozen=True)
class _Sign:
    """A layout: the names that must all be there, in the order in which the host's loader asks."""

    layout: str
    title: str
    family: str
    names: tuple[str, ...]
    needs_vae: bool = True


_FLUX_KEY = "double_blocks.0.img_attn.norm.key_norm.scale"
_SIGNS = (
    _Sign("hunyuan_dit", "HunyuanDiT ControlNet", "hunyuan_dit", ("after_proj_list.18.bias",)),
    _Sign("xlabs", "XLabs ControlNet", "flux", ("controlnet_blocks.0.weight", _FLUX_KEY), needs_vae=False),
    _Sign(
        "sd35",
        "Stability ControlNet",
        "sd3",
        ("controlnet_blocks.0.weight", "pos_embed_input.proj.weight", "transformer_blocks.0.adaLN_modulation.1.bias"),
    ),
    _Sign("sd3_diffusers", "ControlNet", "sd3", ("controlnet_blocks.0.weight", "pos_embed_input.proj.weight")),
    _Sign(
        "qwen_instantx",
        "InstantX ControlNet",
        "qwen_image",
        ("controlnet_blocks.0.weight", "transformer_blocks.0.img_mlp.net.0.proj.weight"),
    ),
    _Sign(
        "flux_instantx", "InstantX ControlNet", "flux", ("controlnet_blocks.0.weight", "controlnet_x_embedder.weight")
    ),
    _Sign(
        "qwen_fun",
        "Fun ControlNet",
        "qwen_image",
        ("control_blocks.0.after_proj.weight", "control_img_in.weight"),
    ),
    _Sign("mistoline", "MistoLine ControlNet", "flux", ("controlnet_blocks.0.linear.weight",), needs_vae=False),
)


def recognise(tensors: Tensors) -> Identity | None:
    """The first of the host's signs that is there whole."""
    for sign in _SIGNS:
        if tensors.has(*sign.names):
            union = tensors.size("controlnet_mode_embedder.weight", 0) if sign.family == "flux" else 0
            return Identity(
                "controlnet",
                f"{sign.title} for {titles((sign.family,))}{f' (union of {union} control types)' if union else ''}",
                (sign.family,),
                sign.layout,
                sign.names,
                traits={"union_types": union, "needs_vae": sign.needs_vae},
            )
    return None


CONTROLNET_TRANSFORMER = Kind(
    "controlnet",
    "ControlNet",
    ("controlnet",),
    ("ControlNetLoader",),
    recognise,
    tuple(dict.fromkeys(sign.family for sign in _SIGNS)),
)
