"""ControlNeXt written a second time, from its description alone and in plain torch, to try seeds without stored numbers.

Nothing here comes from the pack's library: the network is functional, and the map is added by hooks on the layers of the
host's UNet instead of patches.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Rules:
    """What distinguishes the variants.

    padding: of the stem's second and third convolution. pool_first, eps: of the normalisation. before: the layer of the
    host's UNet whose input gets the map, or None for behind the middle block. factors: one for each picture.
    """

    padding: int
    pool_first: bool
    eps: float
    before: tuple[str, int] | None
    factors: tuple[float, ...]


RULES = {
    "sd15": Rules(0, True, 1e-12, None, (1.0, 1.0)),
    "sd15_training": Rules(1, True, 1e-12, ("input_blocks", 4), (0.35, 0.35)),
    "sdxl": Rules(1, False, 1e-12, ("input_blocks", 1), (0.6, 0.6)),
    "sdxl_june_2024": Rules(0, True, 1e-12, None, (0.6, 0.6)),
    "sdxl_july_2024": Rules(0, True, 1e-12, None, (0.6, 0.6)),
    "svd": Rules(0, False, 1e-5, ("middle_block", 0), (1.3 / 2,) * 3 + (1.3 / (1 + math.exp(-1.0)),) * 3),
    "svd_v2": Rules(0, False, 1e-5, ("input_blocks", 4), (0.0,) * 3 + (0.2,) * 3),
}


def control_map(w: Weights, image: torch.Tensor, times: torch.Tensor, padding: int) -> torch.Tensor:
    """image: [B,3,H,W]; times: [B]."""
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(64) / 64)
    angles = times[:, None] * frequencies
    embedding = _linear(w, "time_embedding.linear_1", torch.cat([angles.cos(), angles.sin()], 1))
    embedding = _linear(w, "time_embedding.linear_2", functional.silu(embedding))
    stages = sum(key.startswith("down_res") and key.endswith("norm1.weight") for key in w)
    has_stem = "embedding.0.weight" in w
    x = _stem(w, image, padding, pooled=stages == 3) if has_stem else image
    for stage in range(stages):
        x = _residual(w, f"down_res.{stage}", x, embedding)
        x = _convolution(w, f"down_sample.{stage}.conv", x, stride=2, padding=1)
    middle = functional.relu(_convolution(w, "mid_convs.0.0", x, padding=1))
    if has_stem:
        middle = _norm(w, "mid_convs.0.2", middle, 8)
        middle = _norm(w, "mid_convs.0.4", _convolution(w, "mid_convs.0.3", middle, padding=1), 8) + x
    else:
        middle = _convolution(w, "mid_convs.0.2", middle, padding=1)
    return _convolution(w, "mid_convs.1", middle)


def _stem(w: Weights, x: torch.Tensor, padding: int, pooled: bool) -> torch.Tensor:
    for index, (stride, edge) in enumerate(((2, 1), (1, padding), (1, padding))):
        x = _convolution(w, f"embedding.{3 * index}", x, stride=stride, padding=edge)
        x = functional.relu(_norm(w, f"embedding.{3 * index + 1}", x, 2))
    return functional.max_pool2d(x, 2) if pooled else x


def _residual(w: Weights, name: str, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
    channels, width = w[f"{name}.conv1.weight"].shape[1], w[f"{name}.conv1.weight"].shape[0]
    groups = 1 if channels == 3 else 4 if width == 128 else 8
    h = functional.silu(_norm(w, f"{name}.norm1", x, groups, 1e-6))
    h = _convolution(w, f"{name}.conv1", h, padding=1)
    h = h + _linear(w, f"{name}.time_emb_proj", functional.silu(embedding))[:, :, None, None]
    h = _convolution(w, f"{name}.conv2", functional.silu(_norm(w, f"{name}.norm2", h, groups, 1e-6)), padding=1)
    return h + (_convolution(w, f"{name}.conv_shortcut", x) if channels != width else x)


def _convolution(w: Weights, name: str, x: torch.Tensor, **options: int) -> torch.Tensor:
    return functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **options)


def _linear(w: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def _norm(w: Weights, name: str, x: torch.Tensor, groups: int, eps: float = 1e-5) -> torch.Tensor:
    return functional.group_norm(x, groups, w[f"{name}.weight"], w[f"{name}.bias"], eps)


def added(h: torch.Tensor, c: torch.Tensor, rules: Rules) -> torch.Tensor:
    """h with the map c on it, picture by picture."""
    pictures = zip(h, c, rules.factors, strict=True)
    return torch.stack([hidden + factor * _normalised(hidden, control, rules) for hidden, control, factor in pictures])


def _normalised(hidden: torch.Tensor, control: torch.Tensor, rules: Rules) -> torch.Tensor:
    size = (hidden.shape[-2], hidden.shape[-1])
    c = functional.adaptive_avg_pool2d(control, size) if rules.pool_first else control
    c = (c - c.mean()) * (hidden.std() / (c.std() + rules.eps)) + hidden.mean()
    return c if rules.pool_first else functional.adaptive_avg_pool2d(c, size)


@dataclass(frozen=True)
class Outcome:
    """One call of a UNet: the hidden state before and after the addition (None without control), and the output."""

    h_before: torch.Tensor | None
    h_after: torch.Tensor | None
    y: torch.Tensor


def unet_outcome(unet: Any, inputs: Any, control: torch.Tensor | None, rules: Rules) -> Outcome:
    """Run a UNet of the host on (latent, timestep, keyword arguments), with the map added by a hook."""
    latent, timestep, extra = inputs
    seen: list[torch.Tensor] = []

    def add(h: torch.Tensor) -> torch.Tensor:
        assert control is not None
        seen.extend((h.clone(), added(h, control, rules)))
        return seen[1]

    with ExitStack() as hooks:
        if control is None:
            pass
        elif rules.before is None:
            layer = unet.middle_block[-1]
            hooks.callback(layer.register_forward_hook(lambda _layer, _given, h: add(h)).remove)
        else:
            # The block before has stored its skip connection by now, so that one stays without the map.
            name, index = rules.before
            layer = unet.input_blocks[index][0] if name == "input_blocks" else unet.middle_block[0]
            hooks.callback(layer.register_forward_pre_hook(lambda _layer, given: (add(given[0]), *given[1:])).remove)
        y = unet(latent, timestep, **extra)
    return Outcome(seen[0], seen[1], y) if seen else Outcome(None, None, y)
