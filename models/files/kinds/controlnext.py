"""A ControlNeXt control file, in each of its layouts; the layouts themselves are the loader's."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown
from ..layouts.controlnext import (
    LAYOUTS,
    PLAIN,
    POOLED,
    POOLED_SCALED,
    STEM,
    TOKENS,
    Mismatch,
    control_part,
    control_prefixes,
    detect,
    has_zero_convolution,
)
from ..layouts.controlnext_metadata import agreeing, families_of
from ..trained import of_metadata

_FAMILIES = {
    PLAIN.name: ("sd15", "sdxl"),
    STEM.name: ("sdxl", "sd15", "svd"),
    POOLED.name: ("sdxl",),
    POOLED_SCALED.name: ("svd",),
    TOKENS.name: ("sd3", "flux", "z_image", "lumina2", "qwen_image"),
}
_AMBIGUITY = {
    PLAIN.name: "the published SD 1.5 files and SDXL files of June 2024 have the same keys and shapes",
    STEM.name: "the files for SDXL, for SD 1.5 (own training) and for SVD v2 have the same keys and shapes",
    TOKENS.name: "those for transformers have the same keys, and tokens of several bases the same width",
}
assert set(_FAMILIES) == {layout.name for layout in LAYOUTS}


def recognise(tensors: Tensors) -> Identity | None:
    """The residual blocks of a ControlNeXt network under any prefix."""
    prefixes = control_prefixes(tensors.shapes)
    if not prefixes:
        return None
    part = control_part(tensors.shapes, prefixes[0])
    layout = detect(part)
    mark = shown(tensors, prefixes[0] + "down_res.0.norm1.weight")
    if isinstance(layout, Mismatch):
        return Identity("controlnext", "ControlNeXt control file of an unknown layout", evidence=(mark, str(layout)))
    zero_convolution = has_zero_convolution(part)
    trained = agreeing(of_metadata(tensors.metadata), layout, zero_convolution)
    told = families_of(trained)
    families = told or _FAMILIES[layout.name]
    seen = f"exactly the {len(part)} keys of the layout with {layout.title}"
    return Identity(
        "controlnext",
        f"ControlNeXt for {titles(families)}",
        families,
        layout.name,
        (mark, f"{seen}, and of a zero convolution" if zero_convolution else seen, *(["its metadata"] if told else [])),
        "" if told else _AMBIGUITY.get(layout.name, ""),
        trained.traits(),
    )


CONTROLNEXT = Kind(
    "controlnext",
    "ControlNeXt",
    ("controlnet",),
    ("ArmatureLoadControlNeXt",),
    recognise,
    ("sd15", "sd2", "sdxl", "svd", "sd3", "flux", "z_image", "lumina2", "qwen_image"),
)
