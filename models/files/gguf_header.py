"""Names and shapes in a GGUF file, without its numbers.

Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3, little-endian. Standard library only.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from .header import BrokenFile, Header, TensorInfo, opening, text_in

SUFFIXES = (".gguf",)
_MAXIMUM = 64 * 1024 * 1024  # of the header; vocabularies of language models take a few megabytes
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # type number -> bytes
_STRING, _ARRAY = 8, 9
_DTYPES = {0: "F32", 1: "F16", 30: "BF16"}


class _Reader:
    """Reads numbers and texts, and counts the bytes."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.count = 0

    def take(self, length: int) -> bytes:
        if length < 0 or self.count + length > _MAXIMUM:
            raise ValueError
        data = self.file.read(length)
        if len(data) < length:
            raise EOFError
        self.count += length
        return data

    def u32(self) -> int:
        return struct.unpack("<I", self.take(4))[0]

    def u64(self) -> int:
        return struct.unpack("<Q", self.take(8))[0]

    def text(self) -> str:
        return self.take(self.u64()).decode("utf-8", errors="replace")

    def value(self, kind: int) -> str | None:
        """A text value; everything else is passed over."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, length = self.u32(), self.u64()
            if inner in _SCALARS:
                self.take(_SCALARS[inner] * length)
                return None
            for _ in range(length):
                self.value(inner)
            return None
        self.take(_SCALARS[kind])
        return None


def read_gguf_header(path: str | Path) -> Header:
    """The names, shapes and types in a GGUF file; shapes in torch's order. Raises BrokenFile."""
    path = Path(path)
    with opening(path), path.open("rb") as file:
        try:
            return _read(_Reader(file))
        except (ValueError, KeyError, EOFError, struct.error, RecursionError, OverflowError):
            text = text_in(path)
            raise BrokenFile(
                f"The file {path} is no GGUF file: {text}"
                if text
                else f"The file {path} is incomplete, or no GGUF file. Download it again and compare its size."
            ) from None


def _read(reader: _Reader) -> Header:
    if reader.take(4) != b"GGUF" or reader.u32() not in (2, 3):
        raise ValueError
    tensor_count, value_count = reader.u64(), reader.u64()
    metadata = {}
    for _ in range(value_count):
        key = reader.text()
        text = reader.value(reader.u32())
        if text is not None:
            metadata[key] = text
    tensors = {}
    for _ in range(tensor_count):
        name = reader.text()
        sizes = tuple(reader.u64() for _ in range(reader.u32()))
        kind = reader.u32()
        reader.u64()  # where its bytes begin
        tensors[name] = TensorInfo(_DTYPES.get(kind, f"GGML_{kind}"), sizes[::-1], 0, 0)
    return Header(tensors, metadata, reader.count)
