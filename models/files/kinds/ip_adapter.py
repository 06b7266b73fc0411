"""An IP-Adapter: its layout, its base and the image encoder that it needs."""

from __future__ import annotations

from dataclasses import dataclass

from ...ip_adapter.layouts.layout import ENCODERS_BY_HIDDEN, ENCODERS_BY_POOLED
from ..families import titles
from ..identity import Identity, Kind, Tensors, shown
from .clip_vision import encoder_title

_KEY = ".to_k_ip.weight"
_FAMILY_OF_WIDTH = {768: "sd15", 1024: "sd2", 2048: "sdxl", 4096: "flux"}
_XLABS = "ip_adapter_proj_model.proj.weight"
_FACE = "face"


@dataclass(frozen=True)
class _Layout:
    """What the image projection looks like: its decisive name, and how its input width names the encoder."""

    name: str
    title: str
    sign: str
    width_of: str
    encoders: dict[int, str]
    face: bool = False


# The first whose sign is there; the special ones come first.
_LAYOUTS = (
    _Layout(
        "faceid_plus",
        "IP-Adapter FaceID Plus",
        "image_proj.perceiver_resampler.proj_in.weight",
        "image_proj.perceiver_resampler.proj_in.weight",
        ENCODERS_BY_HIDDEN,
        face=True,
    ),
    _Layout(
        "full_face", "IP-Adapter Full Face", "image_proj.proj.3.weight", "image_proj.proj.0.weight", ENCODERS_BY_HIDDEN
    ),
    _Layout("plus", "IP-Adapter Plus", "image_proj.latents", "image_proj.proj_in.weight", ENCODERS_BY_HIDDEN),
    _Layout("faceid", "IP-Adapter FaceID", "ip_adapter.0.to_q_lora.down.weight", "", {}, face=True),
    _Layout("portrait", "IP-Adapter Portrait", "image_proj.proj.2.weight", "", {}, face=True),
    _Layout("base", "IP-Adapter", "image_proj.proj.weight", "image_proj.proj.weight", ENCODERS_BY_POOLED),
)


def recognise(tensors: Tensors) -> Identity | None:
    """An image projection beside keys and values for a base's attention."""
    if tensors.has(_XLABS):
        return Identity(
            "ip_adapter",
            "IP-Adapter (XLabs) for Flux",
            ("flux",),
            "xlabs",
            (shown(tensors, _XLABS),),
            traits={"encoder": "vit_l", "needs_face": False},
        )
    key = tensors.first(_KEY)
    if key is None or "image_proj" not in tensors.roots:
        return None
    layout = next((one for one in _LAYOUTS if one.sign in tensors.shapes), None)
    family = _family(tensors, key)
    families = (family,) if family else ()
    if layout is None:
        return Identity("ip_adapter", f"IP-Adapter of an unknown layout for {titles(families)}", families)
    width = tensors.size(layout.width_of, 1) if layout.width_of else 0
    encoder = layout.encoders.get(width, "") if layout.width_of else _FACE
    with_encoder = f", with {encoder_title(encoder)}" if encoder and encoder != _FACE else ""
    return Identity(
        "ip_adapter",
        f"{layout.title} for {titles(families)}{with_encoder}",
        families,
        layout.name,
        (shown(tensors, layout.sign), shown(tensors, key)),
        _ambiguity(layout),
        {"encoder": encoder, "needs_face": layout.face, "encoder_width": width},
    )


def _family(tensors: Tensors, key: str) -> str | None:
    """By the width that it reads; the transformers of SD 3.5 read one that others share, but have one of their own."""
    if tensors.size(key, 0) in (1536, 2432):
        return "sd3"
    if (
        tensors.size("image_proj.layers.0.0.to_out.weight", 0) == 2048
        and tensors.size("image_proj.latents", -1) == 2048
    ):
        return "kolors"
    return _FAMILY_OF_WIDTH.get(tensors.size(key, 1))


def _ambiguity(layout: _Layout) -> str:
    if layout.name == "faceid_plus":
        return "versions 1 and 2 of FaceID Plus have the same keys and shapes"
    if layout.name == "portrait":
        return "the portrait files with and without normalisation have the same keys and shapes"
    return ""


IP_ADAPTER = Kind(
    "ip_adapter",
    "IP-Adapter",
    ("ipadapter",),
    ("ArmatureLoadIPAdapter", "IPAdapterModelLoader"),
    recognise,
    ("sd15", "sd2", "sdxl", "kolors", "sd3", "flux"),
)


def layouts() -> list[tuple[str, list[str]]]:
    """(title, names of the image encoders that it can be made for) of every layout, for the docs."""
    return [(layout.title, list(layout.encoders.values())) for layout in _LAYOUTS]
