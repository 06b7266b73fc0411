"""XLabs' IP-Adapters for Flux: the first IP-Adapter's projection, and keys and values for every double block.

Their repository: github.com/XLabs-AI/x-flux; the names are checked against those that `diffusers` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .base import BASE
from .layout import ATTENTION, IMAGE_PROJECTION

XLABS = replace(BASE, name="xlabs", title="XLabs' IP-Adapter")

_PROJECTION = "ip_adapter_proj_model."
_PARTS = {
    "processor.ip_adapter_double_stream_k_proj": "to_k_ip",
    "processor.ip_adapter_double_stream_v_proj": "to_v_ip",
}


def with_usual_names(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors under the names that IP-Adapters for UNets have: `image_proj.*` and `ip_adapter.3.to_k_ip.*`."""
    return {_usual(key): value for key, value in weights.items()}


def _usual(key: str) -> str:
    if key.startswith(_PROJECTION):
        return IMAGE_PROJECTION + key.removeprefix(_PROJECTION)
    name = key.replace("double_blocks.", ATTENTION)
    for theirs, usual in _PARTS.items():
        name = name.replace(theirs, usual)
    return name
