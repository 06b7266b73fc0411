"""Reading the header of a safetensors file: which tensors it holds, without reading them.

Format: an unsigned 64-bit little-endian length, a JSON object of that length, then the tensors' bytes
(github.com/huggingface/safetensors, README). Standard library only.

The object is read row by row. Python's own reader would build all of it at once, and a list of two letters takes 64 bytes.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .header import AGAIN, BrokenFile, Header, TensorInfo, TooMuch, opening, text_in
from .header_table import MOST_BYTES, HeaderTable

SUFFIXES = (".safetensors", ".sft")
MAXIMUM_HEADER = 100_000_000  # the format's own limit
_LENGTH = struct.Struct("<Q")


def is_safetensors(path: str | Path) -> bool:
    """Whether a file's ending says safetensors."""
    return Path(path).suffix.lower() in SUFFIXES


def read_header(path: str | Path) -> Header:
    """The header of a safetensors file. Raises BrokenFile for anything that is none, or is incomplete."""
    path = Path(path)
    with opening(path), path.open("rb") as file:
        size = path.stat().st_size
        raw = _raw_header(path, file.read(_LENGTH.size), file, size)
        table = _parsed(path, raw)
    header = table.header(_LENGTH.size + len(raw))
    wanted = header.bytes_read + table.end
    if wanted > size:
        raise BrokenFile(f"The file {path} is incomplete: it should have {wanted:,} bytes and has {size:,}. {AGAIN}")
    return header


def _raw_header(path: Path, prefix: bytes, file: BinaryIO, size: int) -> bytes:
    if size == 0:
        raise BrokenFile(f"The file {path} is empty (0 bytes). {AGAIN}")
    text = text_in(path) if len(prefix) < _LENGTH.size else ""
    if text:
        raise BrokenFile(f"The file {path} is no safetensors file: {text}")
    if len(prefix) < _LENGTH.size:
        raise BrokenFile(f"The file {path} has only {size} bytes and is no safetensors file. {AGAIN}")
    (length,) = _LENGTH.unpack(prefix)
    if length > MAXIMUM_HEADER:
        text = text_in(path)
        if text:
            raise BrokenFile(f"The file {path} is no safetensors file: {text}")
        raise BrokenFile(
            f"The file {path} is no safetensors file: {_looks_like(prefix)} "
            "Download it again, or rename it if it is another kind of file."
        )
    if _LENGTH.size + length > size:
        raise BrokenFile(
            f"The file {path} is incomplete: its header alone takes {length} bytes and the file has {size}. {AGAIN}"
        )
    if length > MOST_BYTES:
        raise TooMuch(f"takes {length:,} bytes")
    return file.read(length)


def _looks_like(prefix: bytes) -> str:
    if prefix.startswith(b"PK"):
        return "it begins like a zip archive, as torch files (.bin, .pt, .ckpt) do."
    if prefix.startswith(b"GGUF"):
        return "it is a GGUF file."
    return "its first bytes are no length of a header."


def _parsed(path: Path, raw: bytes) -> HeaderTable:
    table, text = HeaderTable(), _Text(raw)
    try:
        for name in text.members():
            if name == "__metadata__":
                _metadata(text, table)
            else:
                table.add(name, _tensor(text))
        text.must(_END)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise BrokenFile(f"The file {path} is damaged: its header is no safetensors header. {AGAIN}") from None
    return table


def _metadata(text: _Text, table: HeaderTable) -> None:
    if text.take(_NULL) is None:
        for key in text.members():
            value = text.string(table.room) if text.take(_QUOTE) else str(text.value())
            if value is not None:
                table.tell(key, value)


def _tensor(text: _Text) -> TensorInfo:
    row = text.take(_ROW)
    if row is not None:
        shape = tuple(int(length) for length in row[2].split(b",")) if row[2].strip() else ()
        dtype, start, end = row[1].decode(), int(row[3]), int(row[4])
    else:
        info: dict[str, Any] = text.value()
        start, end = (int(offset) for offset in info["data_offsets"])
        shape, dtype = tuple(int(length) for length in info["shape"]), str(info["dtype"])
    if not 0 <= start <= end:
        raise ValueError
    return TensorInfo(dtype, shape, start, end)


_OPEN, _CLOSE, _COMMA = re.compile(rb"\s*\{\s*"), re.compile(rb"\s*\}"), re.compile(rb"\s*,\s*")
_END, _NULL, _QUOTE = re.compile(rb"\s*\Z"), re.compile(rb"null"), re.compile(rb'"')
_LONGEST = 16 * 1024  # bytes of a name or a row
_NAME = re.compile(rb'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"\s*:\s*')
_STRETCH = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_NUMBER = rb"\s*(\d{1,19})\s*"
# A row as the format's own library writes it; one with other spelling is read by Python's own reader.
_ROW = re.compile(
    rb'\{\s*"dtype"\s*:\s*"(\w{1,32})"\s*,\s*"shape"\s*:\s*\[([\d,\s]{0,2000})\]\s*,\s*"data_offsets"\s*:\s*\['
    + _NUMBER
    + rb","
    + _NUMBER
    + rb"\]\s*\}"
)
_READER = json.JSONDecoder()


class _Text:
    """JSON that is taken piece by piece. Raises ValueError where it is none, or a piece takes more than a row may."""

    def __init__(self, raw: bytes):
        self.raw = raw
        self.at = 0

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Pass what a pattern describes; None where something else stands."""
        found = pattern.match(self.raw, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def must(self, pattern: re.Pattern[bytes]) -> None:
        """Pass what must stand here."""
        if self.take(pattern) is None:
            raise ValueError

    def members(self) -> Iterator[str]:
        """The names in an object; whoever asks passes the value of one before asking for the next."""
        self.must(_OPEN)
        if self.take(_CLOSE):
            return
        while True:
            yield self._name()
            if not self.take(_COMMA):
                break
        self.must(_CLOSE)

    def _name(self) -> str:
        found = _NAME.match(self.raw, self.at, self.at + _LONGEST)
        if found is None:
            raise ValueError
        self.at = found.end()
        return _unquoted(found[1]) if b"\\" in found[1] else found[1].decode()

    def string(self, most: int) -> str | None:
        """A text whose first quotation mark is passed; None where it is longer than so many bytes."""
        start = self.at
        while True:
            found = _STRETCH.match(self.raw, self.at, self.at + _LONGEST)
            end = found.end() if found else self.at
            if self.raw[end : end + 1] == b'"':
                break
            if end == self.at:
                raise ValueError
            self.at = end
        self.at = end + 1
        return _unquoted(self.raw[start:end]) if end - start <= most else None

    def value(self) -> Any:
        """Any value that takes no more bytes than a row may."""
        window = self.raw[self.at : self.at + _LONGEST]
        _, length = _READER.raw_decode(window.decode("latin-1"))  # a letter a byte
        self.at += length
        return json.loads(window[:length].decode())


def _unquoted(inner: bytes) -> str:
    return json.loads(f'"{inner.decode()}"')
