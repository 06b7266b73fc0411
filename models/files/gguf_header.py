"""Names and shapes in a GGUF file, without its numbers.

Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3, little-endian. Standard library only.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from .header import BrokenFile, Header, TensorInfo, TooMuch, opening, text_in
from .header_table import LONG_NAMES, LONGEST_NAME, MOST_AXES, MOST_BYTES, HeaderTable

SUFFIXES = (".gguf",)
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # type number -> bytes
_STRING, _ARRAY = 8, 9
_DTYPES = {0: "F32", 1: "F16", 30: "BF16"}
_MOST_VALUES = 50_000  # beside tensors; models have less than a hundred
_MOST_TEXTS = 2_000_000  # in arrays; a vocabulary of 262,000 words has twice as many merges
_LONGEST_KEY = 1 << 16  # bytes; the format's own limit
_BLOCK = 256 * 1024
_LENGTH = struct.Struct("<Q")


class _Reader:
    """Reads numbers and texts out of blocks of a file, and counts the bytes."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.block = b""
        self.at = 0  # in the block
        self.before = 0  # bytes of the file before the block
        self.values = 0
        self.texts = 0

    @property
    def count(self) -> int:
        return self.before + self.at

    def need(self, length: int) -> None:
        """Have so many bytes in the block, if the file has them."""
        if self.count + length > MOST_BYTES:
            raise TooMuch(f"takes more than {MOST_BYTES:,} bytes")
        if self.at + length > len(self.block):
            self.before += self.at
            self.block = self.block[self.at :] + self.file.read(max(length, _BLOCK))
            self.at = 0
            if length > len(self.block):
                raise EOFError

    def take(self, length: int) -> bytes:
        self.need(length)
        self.at += length
        return self.block[self.at - length : self.at]

    def skip(self, length: int) -> None:
        """Pass so many bytes, with no more than a block of them in memory."""
        if self.count + length > MOST_BYTES:
            raise TooMuch(f"takes more than {MOST_BYTES:,} bytes")
        while length:
            self.need(1)
            passed = min(length, len(self.block) - self.at)
            self.at += passed
            length -= passed

    def u32(self) -> int:
        return struct.unpack("<I", self.take(4))[0]

    def u64(self) -> int:
        return struct.unpack("<Q", self.take(8))[0]

    def text(self, most: int) -> str | None:
        """A text; one of more bytes is passed over, for a single letter may make Python keep four bytes for each."""
        length = self.u64()
        if length > most:
            self.skip(length)
            return None
        return self.take(length).decode("utf-8", errors="replace")

    def value(self, kind: int, most: int) -> str | None:
        """A text value of so many bytes; everything else is passed over."""
        self.values += 1
        if self.values > _MOST_VALUES:
            raise TooMuch(f"holds more than {_MOST_VALUES:,} values")
        if kind == _STRING:
            return self.text(most)
        if kind == _ARRAY:
            self._pass_array(self.u32(), self.u64())
        else:
            self.take(_SCALARS[kind])
        return None

    def _pass_array(self, kind: int, length: int) -> None:
        if kind in _SCALARS:
            self.skip(_SCALARS[kind] * length)
        elif kind == _STRING:
            self._pass_texts(length)
        else:
            for _ in range(length):
                self.value(kind, 0)

    def _pass_texts(self, number: int) -> None:
        """A vocabulary: hundreds of thousands of short texts."""
        self.texts += number
        if self.texts > _MOST_TEXTS:
            raise TooMuch(f"holds more than {_MOST_TEXTS:,} texts")
        while number:
            self.need(_LENGTH.size)
            block, at, last = self.block, self.at, len(self.block) - _LENGTH.size
            while number and at <= last:
                at += _LENGTH.size + _LENGTH.unpack_from(block, at)[0]
                number -= 1
            inside = min(at, len(block))
            self.at = inside
            self.skip(at - inside)


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
    table = HeaderTable()
    tensor_count, value_count = reader.u64(), reader.u64()
    for _ in range(value_count):
        key = reader.text(_LONGEST_KEY)
        text = reader.value(reader.u32(), table.room)
        if key is not None and text is not None:
            table.tell(key, text)
    table.expect(tensor_count)
    for _ in range(tensor_count):
        name = reader.text(4 * LONGEST_NAME)
        if name is None:
            raise TooMuch(LONG_NAMES)
        axes = reader.u32()
        if axes > MOST_AXES:
            raise ValueError
        sizes = struct.unpack(f"<{axes}Q", reader.take(8 * axes))
        kind = reader.u32()
        reader.u64()  # where its bytes begin
        table.add(name, TensorInfo(_DTYPES.get(kind, f"GGML_{kind}"), sizes[::-1], 0, 0))
    return table.header(reader.count)
