"""Weight files that hold a header and no numbers: the bytes behind it are a hole in the file, so they take no space."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

from armature_pack.models.files.header import Header, TensorInfo

Shapes = Mapping[str, tuple[int, ...]]
_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "I64": 8, "U8": 1, "I8": 1}


def header_of(shapes: Shapes, dtype: str = "F16", metadata: Mapping[str, str] | None = None) -> Header:
    """A header in memory."""
    return Header({name: TensorInfo(dtype, tuple(shape), 0, 0) for name, shape in shapes.items()}, metadata or {}, 0)


def write_file(path: Path, shapes: Shapes, dtype: str = "F16", metadata: Mapping[str, str] | None = None) -> Path:
    """A sparse safetensors file of its full size."""
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + math.prod(shape) * _BYTES[dtype]
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(table).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return path


def write_gguf(path: Path, tensors: dict[str, tuple[int, ...]], metadata: dict[str, str]) -> Path:
    """A GGUF file's header: texts, one array to pass over, and the table of tensors."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata) + 1)
    for key, value in metadata.items():
        data += text(key) + struct.pack("<I", 8) + text(value)
    data += text("sizes") + struct.pack("<IIQ", 9, 4, 3) + struct.pack("<III", 1, 2, 3)
    for name, shape in tensors.items():
        data += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        data += struct.pack("<IQ", 1, 0)
    path.write_bytes(data)
    return path
