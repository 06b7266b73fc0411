"""A textual-inversion embedding."""

from __future__ import annotations

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown

_NAMES = ("emb_params", "string_to_param.*", "<concept>", "embedding")
_FEW = 4
_FAMILIES = {768: ("sd15",), 1024: ("sd2",), 1280: ("sdxl_refiner",)}


def recognise(tensors: Tensors) -> Identity | None:
    """A few vectors as wide as a text encoder's words."""
    names = set(tensors.shapes)
    if {"clip_l", "clip_g"} <= names and all(len(tensors.shapes[name]) <= 2 for name in ("clip_l", "clip_g")):
        evidence = tuple(shown(tensors, name) for name in ("clip_l", "clip_g"))
        return _identity(("sdxl",), tensors.size("clip_l", 0), evidence, ["clip_l", "clip_g"])
    if len(names) > _FEW:
        return None
    for name in (*_NAMES, *(one for one in names if one.startswith("<"))):
        shape = tensors.shapes.get(name, ())
        if name in names and 1 <= len(shape) <= 2 and shape[-1] in _FAMILIES:
            vectors = shape[0] if len(shape) == 2 else 1
            return _identity(_FAMILIES[shape[-1]], vectors, (shown(tensors, name),), [])
    return None


def _identity(families: tuple[str, ...], vectors: int, evidence: tuple[str, ...], encoders: list[str]) -> Identity:
    title = f"embedding for {titles(families)}, {vectors} vector{'s' if vectors != 1 else ''}"
    return Identity("embedding", title, families, evidence=evidence, traits={"vectors": vectors, "encoders": encoders})


EMBEDDING = Kind(
    "embedding", "embedding", ("embeddings",), ("CLIPTextEncode",), recognise, ("sd15", "sd2", "sdxl", "sdxl_refiner")
)
