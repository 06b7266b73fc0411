"""Another pack's attention patch, as ComfyUI_IPAdapter_plus puts it: one object per layer, added to when it is taken."""

from __future__ import annotations

from typing import Any

import torch
from comfy.ldm.modules.attention import optimized_attention


class Replacement:
    """Text attention, plus a constant share of the query for everyone who was added."""

    def __init__(self, amount: float) -> None:
        self.amounts = [amount]

    def add(self, amount: float) -> None:
        self.amounts.append(amount)

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        return optimized_attention(q, k, v, options["n_heads"]) + sum(self.amounts) * q


def with_foreign_patch(model: Any, amount: float = 0.1, exact_layer: bool = False) -> Any:
    """A clone with the patch on input block 1 and the middle block."""
    clone = model.clone()
    options = clone.model_options["transformer_options"]
    present = options.get("patches_replace", {}).get("attn2", {})
    for block in (("input", 1), ("middle", 0)):
        key = (*block, 0) if exact_layer else block
        if key in present:
            present[key].add(amount)
        else:
            clone.set_model_attn2_replace(Replacement(amount), *key)
    return clone
