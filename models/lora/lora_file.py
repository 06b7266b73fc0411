"""A LoRA file in memory, and what its header tells of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch

from ..files.identity import Tensors, shapes_of
from ..files.kinds.lora import LORA, trigger_words
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.safetensors_header import is_safetensors, read_header
from ..files.wrong_kind import describe_keys, told_kind
from ..host import find_file

FOLDER = "loras"


@dataclass(frozen=True, eq=False)
class LoRAFile:
    """weights: as they stand in the file. title: kind and base, for a person; families: ids, () for none that it tells."""

    name: str
    weights: dict[str, torch.Tensor]
    metadata: dict[str, str]
    title: str
    families: tuple[str, ...]
    rank: str
    trigger_words: tuple[str, ...]


def load_lora_file(name: str) -> LoRAFile:
    """A file of the host's folder `loras`. Raises ValueError when it is missing, damaged, or no LoRA."""
    path = find_file(name, FOLDER, what="LoRA", otherwise="take it out of the stack")
    metadata = dict(read_header(path).metadata) if is_safetensors(path) else {}
    return lora_from_state_dict(read_state_dict(path), name, metadata)


def lora_from_state_dict(weights: dict[str, torch.Tensor], name: str, metadata: Any = None) -> LoRAFile:
    """The same from tensors in memory; `name` is used in messages."""
    metadata = dict(metadata or {})
    tensors = Tensors(shapes_of(weights), metadata=metadata)
    identity = LORA.recognise(tensors)
    if identity is None:
        instead = f"take it out of the stack (its keys: {describe_keys(weights)})."
        raise ValueError(told_kind(name, weights, "a LoRA", instead))
    for key, value in weights.items():
        refuse_non_finite(name, key, value)
    words = tuple(trigger_words(metadata))
    return LoRAFile(name, weights, metadata, identity.title, identity.families, _rank(weights), words)


_DOWN = (
    "lora_down.weight",
    ".lora_A.weight",
    ".lora.down.weight",
    "_lora.down.weight",
    ".lora_linear_layer.down.weight",
)


def _rank(weights: dict[str, torch.Tensor]) -> str:
    """'16', or '4 to 64' where it differs by layer; '' for kinds without one."""
    ranks = Counter(
        value.shape[0]
        for key, value in weights.items()
        if value.ndim >= 2 and (key.endswith(_DOWN) or ".lora_A." in key)
    )
    if not ranks:
        return ""
    low, high = min(ranks), max(ranks)
    return str(low) if low == high else f"{low} to {high}"
