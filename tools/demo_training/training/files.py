"""Tensors and numbers on disk while training goes on: safetensors, written whole or not at all, no pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ....common.atomic_write import atomic_write

_NUMBERS = "numbers"


def write(path: Path, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any] | None = None) -> None:
    """Write tensors and JSON numbers to one file."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_write(path) as temporary:
        save_file(whole, temporary, {_NUMBERS: json.dumps(dict(numbers or {}))})


def read(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and numbers of a file that `write` wrote."""
    with safe_open(path, framework="pt", device=str(device)) as file:
        numbers = json.loads((file.metadata() or {}).get(_NUMBERS, "{}"))
        return {name: file.get_tensor(name) for name in file.keys()}, numbers  # noqa: SIM118  (not a dict)


def part_of(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors below `prefix.`, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
