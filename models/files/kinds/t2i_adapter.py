"""A T2I-Adapter, in the layouts of its authors and of diffusers."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown

_LIGHT = "body.0.in_conv.weight"
_FULL = "conv_in.weight"
_CASCADE = ("backbone.0.0.weight", "backbone.10.blocks.0.weight")
# Channels into the first convolution are the picture's channels times the square of the pixel unshuffle: 8 for SD 1.x
# (1 or 3 channels give 64 or 192), 16 for SDXL (256 or 768).
_FAMILY_OF_INPUT = {64: "sd15", 192: "sd15", 256: "sdxl", 768: "sdxl"}


def recognise(tensors: Tensors) -> Identity | None:
    """The signs that the host's loader tests last of all."""
    inner = tensors.under("adapter.") if "adapter" in tensors.roots else tensors
    if inner.has(_LIGHT):
        return _identity(inner, "light", _LIGHT, "sd15")
    if inner.has(_FULL) and (inner.has("body.0.block2.weight") or inner.has("body.0.resnets.0.block2.weight")):
        return _identity(inner, "full", _FULL, _FAMILY_OF_INPUT.get(inner.size(_FULL, 1)))
    if any(name in inner.shapes for name in _CASCADE):
        sign = next(name for name in _CASCADE if name in inner.shapes)
        return _identity(inner, "cascade", sign, "stable_cascade_c")
    return None


def _identity(tensors: Tensors, layout: str, sign: str, family: str | None) -> Identity:
    families = (family,) if family else ()
    title = "Stable Cascade ControlNet" if layout == "cascade" else f"T2I-Adapter for {titles(families)}"
    return Identity("t2i_adapter", title, families, layout, (shown(tensors, sign),))


T2I_ADAPTER = Kind(
    "t2i_adapter",
    "T2I-Adapter",
    ("controlnet",),
    ("ControlNetLoader",),
    recognise,
    ("sd15", "sdxl", "stable_cascade_c"),
)
