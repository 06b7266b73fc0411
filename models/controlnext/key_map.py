"""Names of UNet weights: from what training code writes to what the host's model calls them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

MODEL_PREFIX = "diffusion_model."
_WRAPPERS = ("model.diffusion_model.", "diffusion_model.", "unet.", "module.", "_orig_mod.")

_BASICS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_RESIDUAL_HALVES = {"spatial_res_block": "", "temporal_res_block": "time_stack."}
_ATTENTION = {"temporal_transformer_blocks": "time_stack"}
_POSITION = {"linear_1": "0", "linear_2": "2"}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


@dataclass(frozen=True)
class KeyMap:
    """Which key of a file means which key of the model, and which keys mean none."""

    found: Mapping[str, str]
    unknown: tuple[str, ...]


def map_keys(keys: Iterable[str], unet_config: Mapping[str, Any], model_keys: Collection[str]) -> KeyMap:
    """Match the keys of a UNet file with a host model's keys (`diffusion_model.*`).

    Accepts diffusers names and LDM names, with the prefixes that training code and checkpoints put before them.
    """
    names = {key.removeprefix(MODEL_PREFIX) for key in model_keys if key.startswith(MODEL_PREFIX)}
    found: dict[str, str] = {}
    taken: set[str] = set()
    unknown: list[str] = []
    for key in keys:
        plain = _unwrapped(key)
        name = plain if plain in names else to_ldm(plain, unet_config, names)
        if name is None or name not in names or name in taken:
            unknown.append(key)
        else:
            found[key] = MODEL_PREFIX + name
            taken.add(name)
    return KeyMap(found, tuple(unknown))


def _unwrapped(key: str) -> str:
    for prefix in _WRAPPERS:
        if key.startswith(prefix):
            return _unwrapped(key[len(prefix) :])
    return key


def to_ldm(key: str, unet_config: Mapping[str, Any], names: Collection[str]) -> str | None:
    """The LDM name of a diffusers name, for image and video UNets; None for what is no name of a UNet.

    The host's own table leaves out two thirds of a video UNet, whose residual and attention blocks have a spatial and a
    temporal half. `names` are the model's LDM names: an upsampler stands behind the attention where its block has one.
    """
    module, _, leaf = key.rpartition(".")
    if module in _BASICS:
        return f"{_BASICS[module]}.{leaf}"
    middle = _MIDDLE.fullmatch(key)
    if middle:
        kind, index, rest = middle.groups()
        if int(index) > (1 if kind == "resnets" else 0):
            return None
        return _within(kind, f"middle_block.{2 * int(index) if kind == 'resnets' else 1}", rest)
    block = _BLOCK.fullmatch(key)
    if block is None or "num_res_blocks" not in unet_config:
        return None
    way, level, kind, index, rest = block.groups()
    return _in_block(way, int(level), kind, int(index), rest, unet_config["num_res_blocks"], names)


def _in_block(
    way: str, level: int, kind: str, index: int, rest: str, blocks: list[int], names: Collection[str]
) -> str | None:
    # On the way down a level ends with its downsampler, on the way up it has one block more.
    lengths = [count + 1 for count in (blocks if way == "down" else reversed(blocks))]
    starts = [0, *accumulate(lengths)]
    held = lengths[level] - (way == "down") if level < len(lengths) else 0
    if index >= (held if kind in ("resnets", "attentions") else min(held, 1)):
        return None
    if kind == "downsamplers":
        return f"input_blocks.{starts[level + 1]}.0.{rest.replace('conv', 'op', 1)}"
    if kind == "upsamplers":
        block = f"output_blocks.{starts[level + 1] - 1}"
        return f"{block}.{2 if f'{block}.1.norm.weight' in names else 1}.{rest}"
    block = f"input_blocks.{starts[level] + 1 + index}" if way == "down" else f"output_blocks.{starts[level] + index}"
    return _within(kind, f"{block}.{0 if kind == 'resnets' else 1}", rest)


def _within(kind: str, prefix: str, rest: str) -> str:
    head, _, tail = rest.partition(".")
    if kind == "attentions":
        if head == "time_pos_embed":
            layer, _, leaf = tail.partition(".")
            return f"{prefix}.{head}.{_POSITION.get(layer, layer)}.{leaf}"
        return f"{prefix}.{_ATTENTION.get(head, head)}.{tail}"
    half = _RESIDUAL_HALVES.get(head)
    if half is not None:
        head, _, tail = tail.partition(".")
    return f"{prefix}.{half or ''}{_RESIDUAL.get(head, head)}.{tail}"
