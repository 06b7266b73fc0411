"""ControlNet-LLLite (kohya): small modules beside the UNet's attention layers. The host loads only the one for Anima."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown


def recognise(tensors: Tensors) -> Identity | None:
    """Names that begin with lllite_unet."""
    if not any(root.startswith("lllite_unet") for root in tensors.roots):
        return None
    deep = next((name for name in tensors.shapes if "transformer_blocks_1_" in name), None)
    family = "sdxl" if deep else "sd15"  # whose blocks hold one transformer each
    key = deep or next(iter(tensors.shapes))
    return Identity(
        "control_lllite",
        f"ControlNet-LLLite for {titles((family,))}",
        (family,),
        evidence=(shown(tensors, key),),
    )


CONTROL_LLLITE = Kind(
    "control_lllite",
    "ControlNet-LLLite",
    ("controlnet",),
    ("ArmatureLoadControlNet", "LLLiteLoader"),
    recognise,
    ("sd15", "sdxl"),
)
