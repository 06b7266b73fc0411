"""Finding the control network's part, and the UNet's part, in a state dict with any prefix around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

_MARK = "down_res.0.norm1.weight"  # in every layout, and in no other kind of file that is known
_ROOTS = ("time_embedding", "embedding", "down_res", "down_sample", "mid_convs", "scale")
_UNET_ROOTS = ("down_blocks.", "up_blocks.", "mid_block.", "input_blocks.", "output_blocks.", "middle_block.")

Value = TypeVar("Value")


def control_prefixes(keys: Iterable[str]) -> tuple[str, ...]:
    """The prefixes under which a control network stands in a file; empty when there is none."""
    return tuple(sorted(key[: -len(_MARK)] for key in keys if key == _MARK or key.endswith(f".{_MARK}")))


def control_part(state_dict: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The keys of the control network under `prefix`, without it."""
    stripped = ((key[len(prefix) :], value) for key, value in state_dict.items() if key.startswith(prefix))
    return {key: value for key, value in stripped if key.split(".", 1)[0] in _ROOTS}


def unet_part(state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """What is left for the UNet once control networks are taken out; keys keep their prefixes.

    A training checkpoint may hold both in one file (`unet.*` and `controlnext.*`).
    """
    taken: set[str] = set()
    for prefix in control_prefixes(state_dict):
        taken.update(prefix + key for key in control_part(state_dict, prefix))
    return {key: value for key, value in state_dict.items() if key not in taken}


def looks_like_unet(keys: Iterable[str]) -> bool:
    """Whether any key names a block of a UNet."""
    return any(root in key for key in keys for root in _UNET_ROOTS)
