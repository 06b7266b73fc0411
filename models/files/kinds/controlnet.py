"""A ControlNet for a UNet model: the original layout, the diffusers layout and the unions."""

from __future__ import annotations

from ..families import FAMILY_OF_CONTEXT, family_by_context, titles
from ..identity import Identity, Kind, Tensors, shown

_LDM = "zero_convs.0.0.weight"
_DIFFUSERS = "controlnet_cond_embedding.conv_in.weight"
_UNION = "control_add_embedding.linear_1.bias"


def recognise(tensors: Tensors) -> Identity | None:
    """The signs that the host's loader tests, in its order."""
    if tensors.has(_DIFFUSERS):
        layout, sign = "diffusers", _DIFFUSERS
    elif tensors.has(f"control_model.{_LDM}"):
        layout, sign = "ldm_pth", f"control_model.{_LDM}"
    elif tensors.has(_LDM):
        layout, sign = "ldm", _LDM
    else:
        return None
    family, key = family_by_context(tensors, "attn2.to_k.weight")
    families = (family,) if family else ()
    union = tensors.size("task_embedding", 0) if tensors.has(_UNION) else 0
    is_difference = "difference" in tensors.shapes
    kinds = f"union of {union} control types" if union else "differences to the base" if is_difference else ""
    return Identity(
        "controlnet",
        f"ControlNet for {titles(families)}{f' ({kinds})' if kinds else ''}",
        families,
        "union" if union else layout,
        (shown(tensors, sign), *((shown(tensors, key),) if key else ())),
        "" if families else "it has no cross-attention whose width would tell the family",
        {"union_types": union, "is_difference": is_difference},
    )


CONTROLNET = Kind(
    "controlnet",
    "ControlNet",
    ("controlnet",),
    ("ControlNetLoader", "DiffControlNetLoader"),
    recognise,
    tuple(FAMILY_OF_CONTEXT.values()),
)
