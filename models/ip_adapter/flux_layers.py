"""The double blocks of Flux, each of which takes an image prompt in the place of a UNet's cross-attention."""

from __future__ import annotations

from typing import Any

from .unet_layers import CrossAttention

DOUBLE = "double"


def double_blocks(model: Any) -> tuple[CrossAttention, ...]:
    """The double blocks of a host model (BaseModel) in their order; empty for anything but Flux."""
    from comfy.ldm.flux.model import Flux

    network = model.diffusion_model
    if type(network) is not Flux:
        return ()
    params = network.params
    return tuple(
        CrossAttention((DOUBLE, index, 0), index, params.hidden_size, params.context_in_dim, f"double_blocks.{index}")
        for index in range(len(network.double_blocks))
    )
