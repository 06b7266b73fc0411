"""Some of a network's weights, or differences to them: the part that ControlNeXt trains beside its control net.

UNets are known by the names of their blocks; a part of a transformer by what the file says of itself.
"""

from __future__ import annotations

from ..families import family_by_context, find_family
from ..identity import Identity, Kind, Tensors, shown
from ..layouts.controlnext import looks_like_unet
from ..trained import UNET, Trained, of_metadata

UNETS = ("sd15", "sd2", "sdxl", "sdxl_refiner", "svd")
# The blocks of transformers, as the host names them, and the families that have such.
_BLOCKS = {
    "joint_blocks.": ("sd3",),
    "double_blocks.": ("flux",),
    "layers.": ("z_image", "lumina2"),
    "transformer_blocks.": ("qwen_image",),
}


def recognise(tensors: Tensors) -> Identity | None:
    """Names of a UNet's blocks without the blocks that would make it whole."""
    if not looks_like_unet(tensors.shapes):
        return _of_transformer(tensors)
    trained, (family, evidence, certain) = of_metadata(tensors.metadata), _family(tensors)
    if trained.base not in (*UNETS, "") or (certain and trained.base not in (family, "")):
        trained = trained.without("base", "the shapes are those of another")
    if trained.base:
        family, evidence = trained.base, "its metadata"
    return _identity(family, evidence, trained)


def _of_transformer(tensors: Tensors) -> Identity | None:
    """A part of a transformer that was trained here."""
    trained = of_metadata(tensors.metadata)
    plain = [name.partition("diffusion_model.")[2] for name in tensors.shapes]
    if trained.part != UNET or not trained.format or not all(plain):
        return None
    families = next((of for block, of in _BLOCKS.items() if all(name.startswith(block) for name in plain)), ())
    if trained.base and trained.base not in families:
        trained = trained.without("base", "the blocks are those of another")
    family = trained.base or (families[0] if families else None)
    return _identity(family, "its metadata" if trained.base else "the names of its blocks", trained)


def _identity(family: str | None, evidence: str, trained: Trained) -> Identity:
    if family is None:
        return Identity(
            "unet_weights",
            "UNet weights of an unknown family",
            ambiguity="no tensor in it depends on the family",
            traits=trained.traits(),
        )
    title = f"{'UNet weights' if family in UNETS else 'Some weights'} for {find_family(family).title}"
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
    (*UNETS, "sd3", "flux", "z_image", "lumina2", "qwen_image"),
)
