"""Some of a UNet's weights, or differences to them: the part that ControlNeXt trains beside its control net."""

from __future__ import annotations

from ..families import family_by_context, find_family
from ..identity import Identity, Kind, Tensors, shown
from ..layouts.controlnext import looks_like_unet
from ..trained import Trained, of_metadata


def recognise(tensors: Tensors) -> Identity | None:
    """Names of a UNet's blocks without the blocks that would make it whole."""
    if not looks_like_unet(tensors.shapes):
        return None
    trained, (family, evidence, certain) = of_metadata(tensors.metadata), _family(tensors)
    if trained.base not in (*UNET_WEIGHTS.families, "") or (certain and trained.base not in (family, "")):
        trained = trained.without("base", "the shapes are those of another")
    if trained.base:
        family, evidence = trained.base, "its metadata"
    return _identity(family, evidence, trained)


def _identity(family: str | None, evidence: str, trained: Trained) -> Identity:
    if family is None:
        return Identity(
            "unet_weights",
            "UNet weights of an unknown family",
            ambiguity="no tensor in it depends on the family",
            traits=trained.traits(),
        )
    title = f"UNet weights for {find_family(family).title}"
    return Identity("unet_weights", title, (family,), evidence=(evidence,), traits=trained.traits())


def _family(tensors: Tensors) -> tuple[str | None, str, bool]:
    """(family, what says so, whether a width says it) by names and shapes."""
    if any("temporal_transformer_blocks" in name or "time_stack" in name for name in tensors.shapes):
        return "svd", "time layers", True
    family, key = family_by_context(tensors, "attn2.to_k.weight", "attn2.to_v.weight")
    if key:
        return family, shown(tensors, key), True
    return _by_depth(tensors), "which blocks have attention, and how deep", False


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
