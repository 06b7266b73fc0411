"""Some of a UNet's weights, or differences to them: the part that ControlNeXt trains beside its control net."""

from __future__ import annotations

from ..families import family_by_context, find_family
from ..identity import Identity, Kind, Tensors, shown
from ..layouts.controlnext import looks_like_unet


def recognise(tensors: Tensors) -> Identity | None:
    """Names of a UNet's blocks without the blocks that would make it whole."""
    if not looks_like_unet(tensors.shapes):
        return None
    if any("temporal_transformer_blocks" in name or "time_stack" in name for name in tensors.shapes):
        return Identity("unet_weights", "UNet weights for Stable Video Diffusion", ("svd",), evidence=("time layers",))
    family, key = family_by_context(tensors, "attn2.to_k.weight", "attn2.to_v.weight")
    evidence = (shown(tensors, key),) if key else ("which blocks have attention, and how deep",)
    family = family if key else _by_depth(tensors)
    if family is None:
        return Identity(
            "unet_weights",
            "UNet weights of an unknown family",
            ambiguity="no tensor in it depends on the family",
        )
    return Identity("unet_weights", f"UNet weights for {find_family(family).title}", (family,), evidence=evidence)


def _by_depth(tensors: Tensors) -> str | None:
    """SD 1.5 has attention in its first block, one layer deep; SDXL has none there and is up to ten layers deep."""
    deep = any(".transformer_blocks.1." in name for name in tensors.shapes)
    first = tensors.any_starts("down_blocks.0.attentions", "unet.down_blocks.0.attentions") or any(
        part in name for name in tensors.shapes for part in ("input_blocks.1.1.", "input_blocks.2.1.")
    )
    if deep and not first:
        return "sdxl"
    return "sd15" if first and not deep else None


UNET_WEIGHTS = Kind(
    "unet_weights",
    "UNet weights",
    ("model_patches", "controlnet"),
    ("ArmatureApplyControlNeXtWeights",),
    recognise,
    ("sd15", "sd2", "sdxl", "sdxl_refiner", "svd"),
)
