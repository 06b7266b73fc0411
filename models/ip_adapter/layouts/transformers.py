"""IP-Adapters for diffusion transformers, whose layers differ from those of UNets; those without a layout are only named."""

from __future__ import annotations

from dataclasses import dataclass

from .instantx_sd3 import INSTANTX_SD3, TIME_SIGN
from .layout import IMAGE_PROJECTION, Layout, Shapes
from .xlabs import XLABS


@dataclass(frozen=True)
class TransformerAdapter:
    """One layout. family: the base; encoder: the image encoder that it reads; signs: names any of which gives it away, each
    with the length of its last axis (0 for any); layout: how it is read, None where it cannot be applied; refusal: why.
    """

    name: str
    title: str
    family: str
    encoder: str
    signs: tuple[tuple[str, int], ...]
    layout: Layout | None = None
    refusal: str = ""


TRANSFORMERS = (
    TransformerAdapter(
        "xlabs",
        "IP-Adapter for Flux in XLabs' layout",
        "flux",
        "vit_l",
        (
            ("ip_adapter_proj_model.proj.weight", 0),
            ("double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight", 0),
            ("ip_adapter.0.to_k_ip.bias", 0),  # the same after a conversion
        ),
        XLABS,
    ),
    TransformerAdapter(
        "instantx_sd3",
        "IP-Adapter for Stable Diffusion 3.5 in InstantX' layout",
        "sd3",
        "siglip_384",
        (("ip_adapter.0.norm_ip.linear.weight", 0), (IMAGE_PROJECTION + TIME_SIGN, 0)),
        INSTANTX_SD3,
    ),
    TransformerAdapter(
        "instantx_flux",
        "IP-Adapter for Flux in InstantX' layout",
        "flux",
        "siglip_384",
        # Files for UNets count cross-attentions by odd numbers, and none of theirs reads tokens of this width.
        (("ip_adapter.0.to_k_ip.weight", 4096),),
        refusal="it reads the pooled output of SigLIP, and ComfyUI's image encoder leaves out the layer that makes it",
    ),
)


def find_transformer(shapes: Shapes) -> tuple[TransformerAdapter, str] | None:
    """(layout, the name that shows it) of a header, or None when it is for a UNet or no IP-Adapter."""
    return next(
        ((one, name) for one in TRANSFORMERS for name, width in one.signs if _has(shapes, name, width)),
        None,
    )


def _has(shapes: Shapes, name: str, width: int) -> bool:
    return name in shapes and (not width or shapes[name][-1:] == (width,))
