"""An IP-Adapter: its layout, its base and the image encoder that it needs. The layouts are the loader's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..families import titles
from ..identity import Identity, Kind, Tensors, shown
from ..layouts.ip_adapter import Layout, Shapes, attention_numbers, family_of, find_layout, is_ip_adapter, plain_key
from ..layouts.ip_adapter_transformers import TRANSFORMERS, find_transformer
from ..trained import of_metadata
from .clip_vision import encoder_title

_FACE = "face"
_ROOTS = frozenset({"ip_adapter", "adapter_modules"})


def recognise(tensors: Tensors) -> Identity | None:
    """An image projection beside keys and values for a base's attention."""
    transformer = find_transformer(tensors.shapes)
    if transformer is not None:
        one, sign = transformer
        traits = {"encoder": one.encoder, "needs_face": False}
        return Identity("ip_adapter", one.title, (one.family,), one.name, (shown(tensors, sign),), traits=traits)
    if "image_proj" not in tensors.roots or not tensors.roots & _ROOTS:
        return None
    plain = Tensors({plain_key(name): shape for name, shape in tensors.shapes.items()})
    trained = of_metadata(tensors.metadata).traits()
    return _for_unet(plain, trained) if is_ip_adapter(plain.shapes) else None


def _for_unet(tensors: Tensors, trained: Mapping[str, Any]) -> Identity:
    shapes = tensors.shapes
    layout = find_layout(shapes)
    family = family_of(shapes, layout)
    families = (family,) if family else ()
    if layout is None:
        return Identity("ip_adapter", f"IP-Adapter of an unknown layout for {titles(families)}", families)
    encoder = layout.encoder(shapes) if layout.needs_encoder else _FACE
    with_encoder = f", with {encoder_title(encoder)}" if encoder and encoder != _FACE else ""
    base = "" if family and family in layout.name else f" for {titles(families)}"
    key = f"ip_adapter.{attention_numbers(shapes)[0]}.to_k_ip.weight"
    return Identity(
        "ip_adapter",
        f"{layout.title}{base}{with_encoder}",
        families,
        layout.name,
        (shown(tensors, _projection(shapes)), shown(tensors, key)),
        _ambiguity(layout),
        {"encoder": encoder, "needs_face": layout.needs_face, "encoder_width": layout.feature_width(shapes), **trained},
    )


def _projection(shapes: Shapes) -> str:
    return next(name for name in shapes if name.startswith("image_proj."))


def _ambiguity(layout: Layout) -> str:
    if not layout.variants:
        return ""
    return f"{' and '.join(sorted(layout.variants))} have the same keys and shapes; the loader asks which it is"


IP_ADAPTER = Kind(
    "ip_adapter",
    "IP-Adapter",
    ("ipadapter",),
    ("ArmatureLoadIPAdapter", "IPAdapterModelLoader"),
    recognise,
    ("sd15", "sd2", "sdxl", "kolors", *dict.fromkeys(one.family for one in TRANSFORMERS)),
)
