"""The attention layers that an IP-Adapter's layers belong to, in UNets, Flux and SD 3, in the order that its files count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .adapter import IPAdapter

Place = tuple[str, int, int]


@dataclass(frozen=True)
class CrossAttention:
    """One layer. place: (part, block, index) as the host's attention patches name it; ordinal: of its transformer, in the
    order in which the network runs; width, context: of its queries and of the text it reads; path: of the block around it
    inside the network, to name its weights.
    """

    place: Place
    ordinal: int
    width: int
    context: int
    path: str

    @property
    def block(self) -> str:
        """'input.4', 'middle' or 'output.1'."""
        part, number, _ = self.place
        return part if part == "middle" else f"{part}.{number}"


def cross_attentions(model: Any) -> tuple[CrossAttention, ...]:
    """The layers of a host model (BaseModel) in a file's order: down, up, and the middle last. Empty for no UNet."""
    unet = model.diffusion_model
    if not all(hasattr(unet, name) for name in ("input_blocks", "middle_block", "output_blocks")):
        return ()
    run = [("input", number, block) for number, block in enumerate(unet.input_blocks)]
    run += [("middle", 0, unet.middle_block if unet.middle_block is not None else ())]
    run += [("output", number, block) for number, block in enumerate(unet.output_blocks)]
    found: list[CrossAttention] = []
    ordinal = 0
    for part, number, block in run:
        stem = "middle_block" if part == "middle" else f"{part}_blocks.{number}"
        for position, layer in enumerate(block):
            if hasattr(layer, "transformer_blocks"):
                found += _of_transformer(layer, (part, number), ordinal, f"{stem}.{position}.transformer_blocks")
                ordinal += 1
    return tuple(sorted(found, key=lambda one: one.place[0] == "middle"))


def _of_transformer(transformer: Any, block: tuple[str, int], ordinal: int, path: str) -> list[CrossAttention]:
    return [
        CrossAttention(
            (*block, index), ordinal, layer.attn2.to_k.out_features, layer.attn2.to_k.in_features, f"{path}.{index}"
        )
        for index, layer in enumerate(transformer.transformer_blocks)
        if layer.attn2 is not None
    ]


def check_fit(adapter: IPAdapter, layers: tuple[CrossAttention, ...], model: Any) -> None:
    """Raise ValueError, naming both sides, when the file was not made for this model."""
    name = type(model).__name__
    if not layers:
        raise ValueError(
            f"{adapter.who} acts on the attention layers of a UNet, of Flux or of SD 3.5, but the model ({name}) is none of "
            "them. Load a checkpoint of its family, or remove the IP-Adapter."
        )
    contexts = {layer.context for layer in layers}
    expected = {width for width, _ in adapter.layer_shapes}
    if contexts != expected:
        raise ValueError(
            f"{adapter.who} makes tokens of width {_numbers(expected)}, but the model ({name}) reads text of width "
            f"{_numbers(contexts)}: they are of different families. Load a checkpoint that the file was made for, or an "
            "IP-Adapter made for this model."
        )
    if len(layers) != len(adapter.layer_shapes):
        raise ValueError(
            f"{adapter.who} was trained for {len(adapter.layer_shapes)} attention layers, but the model ({name}) has "
            f"{len(layers)}. {_other_size(len(adapter.layer_shapes) > len(layers))}"
        )
    for layer, (_, out) in zip(layers, adapter.layer_shapes, strict=True):
        if layer.width != out:
            raise ValueError(
                f"{adapter.who} has {out} channels for the attention layer {layer.block}, but the model ({name}) has "
                f"{layer.width} there. {_other_size(out > layer.width)}"
            )


def _other_size(file_is_larger: bool) -> str:
    """What to do where file and model are of one family, but not of one size."""
    named = "a full-size checkpoint of its family" if file_is_larger else "the smaller relative of this model"
    return f"Load {named}, of the size that it was trained for, or an IP-Adapter made for this model."


def _numbers(widths: set[int]) -> str:
    return " and ".join(str(width) for width in sorted(widths))


# The double blocks of Flux, each of which takes an image prompt in the place of a UNet's cross-attention.

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


# The joint blocks of Stable Diffusion 3, each of which takes an image prompt in the place of a UNet's cross-attention.

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
