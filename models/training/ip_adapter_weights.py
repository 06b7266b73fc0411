"""The weights that an IP-Adapter's training begins with: fresh ones for a base, or those of an existing adapter."""

from __future__ import annotations

from typing import Any, Literal, get_args

import comfy.ops
import torch
from torch import nn

from ..files.layouts.ip_adapter import IMAGE_PROJECTION
from ..ip_adapter.adapter import IPAdapter, attention_key
from ..ip_adapter.encoding import widths
from ..ip_adapter.layers import CrossAttention
from ..ip_adapter.loading import adapter_from_state_dict
from ..ip_adapter.projections import LinearProjection, Resampler
from .controlnext import begin

Layout = Literal["base", "plus"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
TOKENS: dict[str, int] = {"base": 4, "plus": 16}  # of the published files, the only ones that IPAdapter_plus reads
# Of the published resamplers by the width of the text: (their width, heads of 64 channels).
_RESAMPLERS = {768: (768, 12), 2048: (1280, 20)}
_DEPTH, _HEAD = 4, 64

Weights = dict[str, torch.Tensor]


def fresh_weights(
    layout: str, layers: tuple[CrossAttention, ...], network: Any, clip_vision: Any, tokens: int, seed: int
) -> Weights:
    """A state dict in a file's names. network: the host's BaseModel; tokens: 0 for as many as the published files have.

    The projection begins by chance, keys and values as those that the base has for its text, as the authors begin.
    """
    hidden, pooled = widths(clip_vision)
    context, count = layers[0].context, tokens or TOKENS[layout]
    factory: dict[str, Any] = {"operations": comfy.ops.manual_cast, "dtype": torch.float32}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if layout == "base":
            projection: nn.Module = LinearProjection(pooled, context, count, **factory)
        else:
            width, heads = _RESAMPLERS[context]
            projection = Resampler(
                queries=count,
                width=width,
                features=hidden,
                inner=heads * _HEAD,
                hidden=4 * width,
                out=context,
                depth=_DEPTH,
                **factory,
            )
            nn.init.normal_(projection.latents, std=width**-0.5)
        for layer in projection.modules():
            begin(layer)
    made = {f"{IMAGE_PROJECTION}{name}": value.detach() for name, value in projection.state_dict().items()}
    for index, layer in enumerate(layers):
        for part, of_text in (("to_k_ip", "to_k"), ("to_v_ip", "to_v")):
            weight = network.diffusion_model.get_parameter(f"{layer.path}.attn2.{of_text}.weight")
            made[attention_key(2 * index + 1, part)] = weight.detach().float().cpu().clone()
    return made


def weights_of(adapter: IPAdapter) -> Weights:
    """The same of an adapter, in float32 on the processor."""
    made = {}
    for name, value in adapter.module.state_dict().items():
        made[_in_a_file(name, adapter.numbers)] = value.detach().float().cpu().clone()
    return made


def _in_a_file(name: str, numbers: tuple[int, ...]) -> str:
    """What a file calls a tensor of an adapter's module."""
    if not name.startswith("layers."):
        return name
    _, index, part, kind = name.split(".")
    return attention_key(numbers[int(index)], part, kind)


def trainable(weights: Weights, name: str) -> IPAdapter:
    """An IP_ADAPTER of its own whose module learns."""
    adapter = adapter_from_state_dict(weights, name)
    adapter.module.requires_grad_(True)
    return adapter
