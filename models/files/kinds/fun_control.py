"""Fun control of FLUX.2 (alibaba-pai): a branch of double blocks. The host has no loader for it; its own are model patches."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown

_SIGNS = ("control_img_in.weight", "control_transformer_blocks.0.ff_context.linear_in.weight")


def recognise(tensors: Tensors) -> Identity | None:
    """The way in of the map, and blocks with the feed-forward layers of FLUX.2."""
    if not all(name in tensors.shapes for name in _SIGNS):
        return None
    return Identity(
        "fun_control",
        f"Fun control for {titles(('flux2',))}",
        ("flux2",),
        evidence=(shown(tensors, _SIGNS[0]),),
    )


FUN_CONTROL = Kind(
    "fun_control",
    "Fun control",
    ("model_patches", "controlnet"),
    ("ArmatureLoadControlNet",),
    recognise,
    ("flux2",),
)
