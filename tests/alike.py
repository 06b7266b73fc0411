"""Whether two latents are the same but for rounding, on any processor."""

from __future__ import annotations

import torch

# Of the largest value. Ways that add up in another order or in batches of another size lie up to 3e-6 apart on the processors
# tried; the least that a control net, an IP-Adapter or a LoRA is tested to do is a hundred times this.
SHARE = 2e-5


def alike(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return bool((found - expected).abs().max() <= SHARE * expected.abs().max())


def assert_alike(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=SHARE * float(expected.abs().max()), rtol=0)
