"""The joint blocks of Stable Diffusion 3, each of which takes an image prompt in the place of a UNet's cross-attention."""

from __future__ import annotations

from typing import Any

from .unet_layers import CrossAttention, Place

JOINT = "block"  # as the layers' names call them


def joint_blocks(model: Any) -> tuple[CrossAttention, ...]:
    """The joint blocks of a host model (BaseModel) in their order; empty for anything but Stable Diffusion 3."""
    from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT

    network = model.diffusion_model
    if not isinstance(network, MMDiT):
        return ()
    width = network.hidden_size  # of the text as well, once it is inside
    return tuple(
        CrossAttention((JOINT, index, 0), index, width, width, f"joint_blocks.{index}")
        for index in range(len(network.joint_blocks))
    )


def attention_of(model: Any, place: Place) -> Any:
    """The module that attends for the picture's tokens in the joint block at a place."""
    return model.diffusion_model.joint_blocks[place[1]].x_block.attn
