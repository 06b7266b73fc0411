"""Networks of the host that write over what a gradient is computed from."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

# Flux adds to the tokens in place (`img += ...`) which these have kept for the way back.
_NORMS = ("img_norm1", "img_norm2", "txt_norm1", "txt_norm2", "pre_norm")


def keep_for_gradients(network: nn.Module) -> list[Any]:
    """Let the layers in front of which a network writes in place work on a copy, where a gradient is wanted.

    The results are the same. Handles, whose `remove` ends it: not before the way back is done, in which checkpointed blocks
    run again.
    """
    layers = (layer for name, layer in network.named_modules() if name.rpartition(".")[2] in _NORMS)
    return [layer.register_forward_pre_hook(_copied) for layer in layers]


def _copied(_layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return (inputs[0].clone(), *inputs[1:]) if torch.is_grad_enabled() else None
