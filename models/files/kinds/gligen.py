"""GLIGEN: boxes with a text each, added to a UNet's attention."""

from __future__ import annotations

from ..families import FAMILY_OF_CONTEXT, family_by_context, titles
from ..identity import Identity, Kind, Tensors


def recognise(tensors: Tensors) -> Identity | None:
    """The position network and the fusers beside the attention layers."""
    if not tensors.any_starts("position_net.") or not any(".fuser." in name for name in tensors.shapes):
        return None
    family, _ = family_by_context(tensors, "fuser.linear.weight")
    families = (family,) if family else ()
    return Identity("gligen", f"GLIGEN for {titles(families)}", families, evidence=("position_net.*", "*.fuser.*"))


GLIGEN = Kind("gligen", "GLIGEN", ("gligen",), ("GLIGENLoader",), recognise, tuple(FAMILY_OF_CONTEXT.values()))
