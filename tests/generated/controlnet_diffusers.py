"""A ControlNet in the layout of the diffusers library.

The host matches such a file against a fixed list of published networks and builds the one it finds, full width, so the file
can be no smaller than the smallest of the list: the one of SD-XS, a distilled SD1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from armature_pack.tests.generated.controlnet import controlnet_weights
from armature_pack.tests.generated.unet import UNet

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ControlNetDiffusers:
    """A file for the host's ControlNet loader, which reads it as if it were made for a network of ``unet``'s way down."""

    unet: UNet
    dtype: str

    def build(self, seed: int) -> dict[str, Tensor]:
        config = self.host_config()
        names = _diffusers_names(config)
        weights = controlnet_weights(config, seed, self.dtype)
        return {_diffusers_name(name, names): tensor for name, tensor in weights.items()}

    def host_config(self) -> dict[str, Any]:
        """The configuration that the host takes for the file, asked of the host.

        Raises:
            ValueError: the host knows no diffusers ControlNet for this way down.
        """
        import comfy.model_detection

        config = comfy.model_detection.unet_config_from_diffusers_unet(self._outline())
        if config is None:
            raise ValueError(
                f"The host has no configuration for a diffusers ControlNet with depths {self.unet.transformer_depth}; "
                "give the UNet the transformer depths of a published network (see comfy/model_detection.py)."
            )
        return config

    def _outline(self) -> dict[str, Tensor]:
        """The few tensors, without data, from which the host's detection reads what it compares."""
        import torch

        wanted = self.unet.model_config().unet_config
        channels, context = wanted["model_channels"], wanted["context_dim"]
        tensors = {"conv_in.weight": torch.empty(channels, wanted["in_channels"], 3, 3, device="meta")}
        depths = iter(self.unet.transformer_depth)
        for level, blocks in enumerate(self.unet.num_res_blocks):
            for block in range(blocks):
                tensors[f"down_blocks.{level}.resnets.{block}.conv1.weight"] = torch.empty(0, device="meta")
                for depth in range(next(depths)):
                    name = f"down_blocks.{level}.attentions.{block}.transformer_blocks.{depth}.attn2.to_k.weight"
                    tensors[name] = torch.empty(0, context, device="meta")
        return tensors


def _diffusers_names(config: dict[str, Any]) -> dict[str, str]:
    """The diffusers name of each name in the host's UNet class."""
    import comfy.utils

    return {host: diffusers for diffusers, host in comfy.utils.unet_to_diffusers(config).items()}


def _diffusers_name(name: str, names: dict[str, str]) -> str:
    """``name`` in the host's ControlNet class as diffusers calls it; the parts that a UNet lacks are spelled out here."""
    part, _, rest = name.partition(".")
    if part == "zero_convs":
        index, _, kind = rest.split(".")
        return f"controlnet_down_blocks.{index}.{kind}"
    if part == "middle_block_out":
        return f"controlnet_mid_block.{rest.split('.')[1]}"
    if part == "input_hint_block":
        return _hint_name(*rest.split("."))
    return names[name]


HINT_LAST = 14


def _hint_name(index: str, kind: str) -> str:
    """The hint block alternates convolutions (even places) and activations; diffusers names the first and last apart."""
    place = int(index)
    if place == 0:
        return f"controlnet_cond_embedding.conv_in.{kind}"
    if place == HINT_LAST:
        return f"controlnet_cond_embedding.conv_out.{kind}"
    return f"controlnet_cond_embedding.blocks.{place // 2 - 1}.{kind}"
