"""Write a safetensors file with the same bytes every time, all of it or nothing.

The library's own writer puts the metadata in a random order, so the same content gives another file on each run. The
format is an eight-byte length, a JSON header and the raw data: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ...common.atomic_write import atomic_write
from .header import TORCH_DTYPES

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_DTYPES = {torch_name: name for name, torch_name in TORCH_DTYPES.items()}
HEADER_ALIGNMENT = 8
_HOLE = 4096


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write ``path``, atomically; an error on the way leaves no file behind.

    Two processes may write the same path at once: both write the same bytes, and the last to finish stays.
    """
    with atomic_write(path, same_bytes=True) as temporary, temporary.open("xb") as file:
        _write(file, tensors, metadata)


def _write(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    # Wide types first, so that every tensor starts at a multiple of its element size.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, tensor in ordered:
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": FORMAT_DTYPES[str(tensor.dtype).removeprefix("torch.")],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % HEADER_ALIGNMENT)
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for _, tensor in ordered:
        data = _bytes_of(tensor)
        if _is_zero(data):
            file.seek(len(data), os.SEEK_CUR)  # a hole, where the file system knows them
        else:
            file.write(data)
    file.truncate(file.tell())


def _is_zero(data: memoryview) -> bool:
    """Whether a large block holds nothing but zeros; small ones are not worth looking at."""
    return len(data) >= _HOLE and not any(data[:_HOLE]) and data == bytes(len(data))


def _bytes_of(tensor: Tensor) -> memoryview:
    import torch

    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
