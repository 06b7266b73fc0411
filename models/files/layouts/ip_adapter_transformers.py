"""IP-Adapters for diffusion transformers, whose layers differ from those of UNets; those without a layout are only named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .ip_adapter import ATTENTION, BASE, IMAGE_PROJECTION, PLUS, Layout, Shapes, has

# InstantX' IP-Adapter for Stable Diffusion 3.5 Large: a resampler that follows the timestep, and more than keys and values.
#
# The names are checked against those that `diffusers` reads (`SD3Transformer2DLoadersMixin`).

TIME_SIGN = "time_embedding.linear_1.weight"

INSTANTX_SD3 = replace(
    PLUS,
    name="instantx_sd3",
    title="InstantX' IP-Adapter",
    sign=lambda shapes: has(shapes, TIME_SIGN),
    projection="time_resampler",
    attention_layer="joint",
    follows_timestep=True,
)


# XLabs' IP-Adapters for Flux: the first IP-Adapter's projection, and keys and values for every double block.
#
# Their repository: github.com/XLabs-AI/x-flux; the names are checked against those that `diffusers` reads.

XLABS = replace(BASE, name="xlabs", title="XLabs' IP-Adapter")

_PROJECTION = "ip_adapter_proj_model."
_PARTS = {
    "processor.ip_adapter_double_stream_k_proj": "to_k_ip",
    "processor.ip_adapter_double_stream_v_proj": "to_v_ip",
}


def with_usual_names(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors under the names that IP-Adapters for UNets have: `image_proj.*` and `ip_adapter.3.to_k_ip.*`."""
    return {_usual(key): value for key, value in weights.items()}


def _usual(key: str) -> str:
    if key.startswith(_PROJECTION):
        return IMAGE_PROJECTION + key.removeprefix(_PROJECTION)
    name = key.replace("double_blocks.", ATTENTION)
    for theirs, usual in _PARTS.items():
        name = name.replace(theirs, usual)
    return name


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
