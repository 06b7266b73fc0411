"""Names and shapes in a torch file (.bin, .pt, .pth, .ckpt), without its numbers and without running its code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .header import BrokenFile, Header, TensorInfo, TooMuch, opening, text_in
from .header_table import HeaderTable
from .pickle_walk import AsksForCode, PickleWalk
from .torch_names import width_of

SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pt2")
WRAPPERS = ("state_dict", "model_state_dict", "module")  # what training code puts around the weights
_DEEPEST = 4
_MOST_PICKLE = 16 * 1024 * 1024  # bytes; 10,000 tensors take 3 MB
_MOST_CONTENTS = 2 * 1024 * 1024  # of a zip file's table of contents; 10,000 tensors take 1 MB
_FIRST_LOOK = 512 * 1024
_ZIP = b"PK\x03\x04"
_MAGIC = 0x1950A86A20F9469CFC6C  # how torch's format from before 2020 begins
_PROTOCOL = 1001


def read_torch_header(path: str | Path) -> Header:
    """The names, shapes and types in a torch file.

    Nested dictionaries become names with dots. Raises BrokenFile when it is damaged, or holds more than weights: such a
    pickle can run any code, so it is not opened.
    """
    path = Path(path)
    table = HeaderTable()
    with opening(path), path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            raise BrokenFile(f"The file {path} is empty (0 bytes). Download it again.")
        try:
            loaded, read = _from_zip(file, size) if file.read(len(_ZIP)) == _ZIP else _from_old_format(file, size)
            for name, info in _flat(loaded, "", 0, set()):
                table.add(name, info)
        except (BrokenFile, TooMuch, MemoryError):
            raise
        except Exception as error:  # what reads zip files raises about everything for a damaged one
            raise BrokenFile(_why(path, error)) from None
    if not table.tensors:
        raise BrokenFile(f"The file {path} holds no tensors. It may be a training state; choose a weight file.")
    return table.header(read)


class _Contents:
    """A zip file of which no more is read at once than the table of contents of a model takes, as long as that is read."""

    def __init__(self, file: BinaryIO, size: int):
        self._file = file
        self._size = size
        self.read_contents = False
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, length: int = -1) -> bytes:
        if self.read_contents:
            return self._file.read(length)
        if length < 0:
            length = self._size - self.tell()
        if length > _MOST_CONTENTS:
            raise TooMuch(f"has a table of contents of more than {_MOST_CONTENTS:,} bytes")
        return self._file.read(length)


def _from_zip(file: BinaryIO, size: int) -> tuple[Any, int]:
    """What the pickle in a zip file describes, and how many bytes it has."""
    contents: Any = _Contents(file, size)
    with zipfile.ZipFile(contents) as archive:
        contents.read_contents = True
        folder = archive.namelist()[0].partition("/")[0]
        if f"{folder}/constants.pkl" in archive.NameToInfo:
            raise AsksForCode("a program of TorchScript")
        entry = archive.getinfo(f"{folder}/data.pkl")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is packed in a way that torch does not read")
        with archive.open(entry) as stream:
            pickled = stream.read(min(entry.file_size, _MOST_PICKLE) + 1)
    if len(pickled) > _MOST_PICKLE:
        raise _too_long()
    return PickleWalk(pickled).run(), len(pickled)


def _too_long() -> TooMuch:
    return TooMuch(f"takes more than {_MOST_PICKLE:,} bytes")


def _from_old_format(file: BinaryIO, size: int) -> tuple[Any, int]:
    """The same from the format without a table of contents: pickles, then the numbers."""
    file.seek(0)
    data = file.read(_FIRST_LOOK)
    try:
        return _old_format(data, size)
    except EOFError:
        data += file.read(_MOST_PICKLE + 1 - len(data))
    try:
        return _old_format(data, size)
    except EOFError:
        if size > len(data):
            raise _too_long() from None
        raise


def _old_format(data: bytes, size: int) -> tuple[Any, int]:
    walk = PickleWalk(data)
    if walk.run() != _MAGIC or walk.run() != _PROTOCOL:
        raise ValueError("it begins as no such file does")
    walk.run()  # the sizes of whole numbers where it was written
    loaded, keys = walk.run(), walk.run()
    stored = [walk.storage(key) for key in keys]
    wanted = walk.at + sum(8 + one.count * width_of(one.dtype) for one in stored)
    if wanted > size:
        raise ValueError(f"it should have {wanted:,} bytes and has {size:,}")
    return loaded, walk.at


def _flat(value: Any, prefix: str, depth: int, seen: set[int]) -> Iterator[tuple[str, TensorInfo]]:
    """Tensors by name; a dictionary that stands in several places counts where it is met first."""
    if isinstance(value, TensorInfo):
        yield prefix, value
    elif isinstance(value, dict) and depth < _DEEPEST and id(value) not in seen:
        seen.add(id(value))
        for key, inner in value.items():
            if isinstance(inner, (TensorInfo, dict)):
                name = prefix if depth == 0 and key in WRAPPERS else f"{prefix}.{key}" if prefix else str(key)
                yield from _flat(inner, name, depth + 1, seen)


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, AsksForCode):  # first, since the oldest pickles are text
        return (
            f"The file {path} is a pickle that holds more than weights (it asks for {error}). Such files can run any code, so it "
            "is not opened. Use a safetensors version of it."
        )
    if text := text_in(path):
        return f"The file {path} is no torch weight file: {text}"
    reason = (
        str(error).splitlines()[0]
        if isinstance(error, (ValueError, EOFError)) and str(error)
        else "its table is damaged"
    )
    return f"The file {path} is incomplete, or no torch weight file ({reason}). Download it again, best as safetensors."
