"""Patches of other nodes, which share the network with ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def names_of(patches: Iterable[Any]) -> str:
    """What patches of other nodes are called, for messages: 'PatchModelAddDownscale (nodes_model_downscale)'."""
    return ", ".join(dict.fromkeys(_name(patch) for patch in patches))


def _name(patch: Any) -> str:
    function = patch if hasattr(patch, "__qualname__") else type(patch)
    # The host names the module of a file by its path.
    module = str(getattr(function, "__module__", "")).replace("\\", "/").rpartition("/")[2].rpartition(".")[2]
    return f"{function.__qualname__.partition('.')[0]} ({module})"
