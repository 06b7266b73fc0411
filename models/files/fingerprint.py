"""What tells the weights of one live network from another's, without reading all of them."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

_SAMPLED = 8  # numbers of a tensor that count


def fingerprint(network: Any) -> str:
    """A hash of a module's weights, of some numbers of each; the same weights in another precision have another."""
    digest = hashlib.sha256()
    with torch.no_grad():
        for name, value in sorted(network.state_dict().items()):
            flat = value.detach().flatten()
            some = flat[:: max(1, flat.numel() // _SAMPLED)][:_SAMPLED].float().cpu()
            digest.update(f"{name} {tuple(value.shape)} {some.tolist()}".encode())
    return digest.hexdigest()
