"""IP-Adapters for diffusion transformers, whose layers differ from those of UNets; those without a layout are only named."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout, Shapes
from .xlabs import XLABS


@dataclass(frozen=True)
class TransformerAdapter:
    """One layout. family: the base; encoder: the image encoder that it reads; signs: names any of which gives it away;
    layout: how it is read, None where it cannot be applied.
    """

    name: str
    title: str
    family: str
    encoder: str
    signs: tuple[str, ...]
    layout: Layout | None = None


TRANSFORMERS = (
    TransformerAdapter(
        "xlabs",
        "IP-Adapter for Flux in XLabs' layout",
        "flux",
        "vit_l",
        (
            "ip_adapter_proj_model.proj.weight",
            "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight",
            "ip_adapter.0.to_k_ip.bias",  # the same after a conversion
        ),
        XLABS,
    ),
    TransformerAdapter(
        "instantx_sd3",
        "IP-Adapter for Stable Diffusion 3.5 in InstantX' layout",
        "sd3",
        "siglip_384",
        ("ip_adapter.0.norm_ip_q.weight",),
    ),
    TransformerAdapter(
        "instantx_flux",
        "IP-Adapter for Flux in InstantX' layout",
        "flux",
        "siglip_384",
        ("ip_adapter.0.norm_added_k.weight",),
    ),
)


def find_transformer(shapes: Shapes) -> tuple[TransformerAdapter, str] | None:
    """(layout, the name that shows it) of a header, or None when it is for a UNet or no IP-Adapter."""
    return next(((one, sign) for one in TRANSFORMERS for sign in one.signs if sign in shapes), None)
