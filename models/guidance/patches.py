"""Patches of other nodes, which share the network with ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def names_of(patches: Iterable[Any]) -> str:
    """What patches of other nodes are called, for messages: 'nodes_model_downscale (input_block_patch)'."""
    return ", ".join(dict.fromkeys(_name(patch) for patch in patches))


def _name(patch: Any) -> str:
    function = patch if hasattr(patch, "__qualname__") else type(patch)
    module = str(getattr(function, "__module__", "")).rpartition(".")[2]
    return f"{module} ({function.__qualname__.rpartition('.')[2]})"
