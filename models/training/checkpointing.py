"""Gradient checkpointing: the blocks of a network are computed again on the way back, in place of being kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

# Where the blocks of the host's networks lie.
_LISTS = (
    "input_blocks",
    "output_blocks",
    "joint_blocks",
    "double_blocks",
    "single_blocks",
    "transformer_blocks",
    "layers",
    "noise_refiner",
    "context_refiner",
    "blocks",
)
_SINGLE = ("middle_block",)


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """The blocks of a diffusion network that are computed again, each by itself."""
    found = [block for name in _LISTS for block in getattr(network, name, None) or []]
    return found + [block for name in _SINGLE if (block := getattr(network, name, None)) is not None]


@contextmanager
def checkpointed(network: nn.Module, wanted: bool = True) -> Iterator[None]:
    """Inside, every layer of the network's blocks keeps what goes in alone. The gradients are the same."""
    layers = [layer for block in blocks_of(network) for layer in _layers(block)] if wanted else []
    for layer in layers:
        layer.forward = _again(layer.forward)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _layers(block: nn.Module) -> list[nn.Module]:
    """The layers of a UNet's block, which the host calls one by one; any other block is one."""
    return list(block) if isinstance(block, nn.Sequential) else [block]


def _again(forward: Any) -> Any:
    def run(*inputs: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*inputs, **named)
        # The host writes into the options as it goes from block to block: computed again, a layer is to see its own.
        inputs = tuple(_kept(one) for one in inputs)
        named = {name: _kept(one) for name, one in named.items()}
        return checkpoint(on_copies, *inputs, use_reentrant=False, preserve_rng_state=False, **named)

    def on_copies(*inputs: Any, **named: Any) -> Any:
        # Flux's blocks add to what goes in, in place: computed again from that, the gradient would be another, in silence.
        return forward(*map(_copied, inputs), **{name: _copied(one) for name, one in named.items()})

    return run


def _kept(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
