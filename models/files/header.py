"""Reading the header of a safetensors file: which tensors it holds, without reading them.

Format: an unsigned 64-bit little-endian length, a JSON object of that length, then the tensors' bytes
(github.com/huggingface/safetensors, README). Standard library only.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (".safetensors", ".sft")
MAXIMUM_HEADER = 100_000_000  # the format's own limit
# What the format calls a type of numbers, and what torch calls it.
TORCH_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_LENGTH = struct.Struct("<Q")
_LOOKED_AT = 512  # bytes
_AGAIN = "Download it again and compare its size with the one on the page that offers it."


class BrokenFile(ValueError):
    """A weight file that cannot be read: the message says which file, what is wrong and what to do."""


@dataclass(frozen=True)
class TensorInfo:
    """One tensor as its header tells of it; start and end are bytes from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a file says about itself; bytes_read: how much of it was read to know that."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]
    bytes_read: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor by its name."""
        return {name: info.shape for name, info in self.tensors.items()}


def is_safetensors(path: str | Path) -> bool:
    """Whether a file's ending says safetensors."""
    return Path(path).suffix.lower() in SUFFIXES


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Around the opening and reading of a file: what the system refuses becomes a BrokenFile."""
    try:
        yield
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise BrokenFile(
            f"The file {path} cannot be opened ({error.strerror or error}). Check its permissions."
        ) from None


def missing(path: Path) -> BrokenFile:
    """The error for a file that is not there."""
    return BrokenFile(f"There is no file {path}. Choose another file, or put it there.")


def read_header(path: str | Path) -> Header:
    """The header of a safetensors file. Raises BrokenFile for anything that is none, or is incomplete."""
    path = Path(path)
    with opening(path), path.open("rb") as file:
        size = path.stat().st_size
        raw = _raw_header(path, file.read(_LENGTH.size), file, size)
    read = _LENGTH.size + len(raw)
    header = _parsed(path, raw, read)
    _check_complete(path, header, size)
    return header


def _raw_header(path: Path, prefix: bytes, file: Any, size: int) -> bytes:
    if size == 0:
        raise BrokenFile(f"The file {path} is empty (0 bytes). {_AGAIN}")
    text = text_in(path) if len(prefix) < _LENGTH.size else ""
    if text:
        raise BrokenFile(f"The file {path} is no safetensors file: {text}")
    if len(prefix) < _LENGTH.size:
        raise BrokenFile(f"The file {path} has only {size} bytes and is no safetensors file. {_AGAIN}")
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
            f"The file {path} is incomplete: its header alone takes {length} bytes and the file has {size}. {_AGAIN}"
        )
    return file.read(length)


def text_in(path: Path) -> str:
    """What a file that should be a model is, where it holds text instead, and what to do; "" where it does not.

    Pages that ask for a login or a licence, error messages and Git LFS pointers are often saved under a model's name.
    """
    with opening(path), path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    try:
        text = start.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # not a letter that is cut at the end
            return ""
        text = start[: error.start].decode("utf-8").strip()
    if not text or any(ord(char) < 32 and char not in "\t\r\n\f" for char in text):
        return ""
    line = text.splitlines()[0][:100]
    if text.startswith("version https://git-lfs"):
        return "it is a Git LFS pointer, so the file itself was never downloaded. Fetch it with 'git lfs pull'."
    if text.startswith("<"):
        what = "it begins like a web page, such as one that asks to log in or to accept a licence"
    elif text.startswith(("{", "[")):
        what = f"it is JSON, as a server answers with an error or saves settings: {line}"
    else:
        what = f"it is text: '{line}'"
    return f"{what}. Download it again: log in on the page that offers it first, and accept its licence if it has one."


def _looks_like(prefix: bytes) -> str:
    if prefix.startswith(b"PK"):
        return "it begins like a zip archive, as torch files (.bin, .pt, .ckpt) do."
    if prefix.startswith(b"GGUF"):
        return "it is a GGUF file."
    return "its first bytes are no length of a header."


def _parsed(path: Path, raw: bytes, read: int) -> Header:
    try:
        table = json.loads(raw)
        metadata = {str(key): str(value) for key, value in (table.pop("__metadata__", None) or {}).items()}
        tensors = {name: _tensor(info) for name, info in table.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise BrokenFile(f"The file {path} is damaged: its header is no safetensors header. {_AGAIN}") from None
    return Header(tensors, metadata, read)


def _tensor(info: dict[str, Any]) -> TensorInfo:
    start, end = (int(offset) for offset in info["data_offsets"])
    shape = tuple(int(length) for length in info["shape"])
    if not 0 <= start <= end or any(length < 0 for length in shape):
        raise ValueError
    return TensorInfo(str(info["dtype"]), shape, start, end)


def _check_complete(path: Path, header: Header, size: int) -> None:
    wanted = header.bytes_read + max((info.end for info in header.tensors.values()), default=0)
    if wanted > size:
        raise BrokenFile(f"The file {path} is incomplete: it should have {wanted:,} bytes and has {size:,}. {_AGAIN}")
