"""Names and shapes in a torch file (.bin, .pt, .pth, .ckpt), without its numbers and without running its code."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .header import BrokenFile, Header, TensorInfo, opening, text_in

SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pt2")
WRAPPERS = ("state_dict", "model_state_dict", "module")  # what training code puts around the weights
_DEEPEST = 4
_DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64"}
_OLD_FORMAT_LIMIT = 512 * 1024 * 1024  # the format from before 2020 has no table; it must be read from end to end


def read_torch_header(path: str | Path) -> Header:
    """The names, shapes and types in a torch file.

    Nested dictionaries become names with dots. Raises BrokenFile when it is damaged, or holds more than weights: such a
    pickle can run any code, so it is not opened.
    """
    import comfy.utils  # noqa: F401  it registers what the host takes for safe, so that a verdict never depends on the order
    import torch

    path = Path(path)
    read = _bytes_to_read(path)
    try:
        loaded = torch.load(path, map_location="meta", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # the unpickler raises about everything there is for a damaged file
        raise BrokenFile(_why(path, error)) from None
    tensors = {name: info for name, info in _flat(loaded, "", 0) if info is not None}
    if not tensors:
        raise BrokenFile(f"The file {path} holds no tensors. It may be a training state; choose a weight file.")
    return Header(tensors, {}, read)


def _bytes_to_read(path: Path) -> int:
    """Size of the table that torch will read; the tensors' bytes stay on the disk in the format with a table."""
    with opening(path):
        try:
            with zipfile.ZipFile(path) as archive:
                return sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".pkl"))
        except zipfile.BadZipFile:
            return _bytes_of_old_format(path, path.stat().st_size)


def _bytes_of_old_format(path: Path, size: int) -> int:
    if size == 0:
        raise BrokenFile(f"The file {path} is empty (0 bytes). Download it again.")
    if size > _OLD_FORMAT_LIMIT:
        raise BrokenFile(
            f"The file {path} is incomplete, or in torch's old format, which has no table to read. "
            "Download it again, best as safetensors."
        )
    return size


def _flat(value: Any, prefix: str, depth: int) -> Iterator[tuple[str, TensorInfo | None]]:
    import torch

    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        yield prefix, TensorInfo(_DTYPES.get(dtype, dtype.upper()), tuple(value.shape), 0, 0)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            name = prefix if depth == 0 and key in WRAPPERS else f"{prefix}.{key}" if prefix else str(key)
            yield from _flat(inner, name, depth + 1)


def _why(path: Path, error: Exception) -> str:
    code = code_in(path, error)  # first, since the oldest pickles are text
    if code is None and (text := text_in(path)):
        return f"The file {path} is no torch weight file: {text}"
    if code is not None:
        return (
            f"The file {path} is a pickle that holds more than weights (it asks for {code}). Such files can run any code, so it "
            "is not opened. Use a safetensors version of it."
        )
    reason = reason_of(error)
    return f"The file {path} is incomplete, or no torch weight file ({reason}). Download it again, best as safetensors."


_CODE = re.compile(r"(?:GLOBAL|Unsupported class) ([\w.]+)")
_PICKLE = b"\x80"  # how a pickle of protocol 2 and later begins, in torch's old format and elsewhere


def code_in(path: Path, error: Exception) -> str | None:
    """What a pickle asks for beside weights, such as 'posix.system', by the error of torch's safe reader.

    None where the file is damaged, or no pickle at all: that the reader stops at as well.
    """
    if not _is_of_safe_reader(error):
        return None
    found = _CODE.search(str(error))
    if found:
        return found[1]
    with opening(path), path.open("rb") as file:
        begins_as_pickle = file.read(1) == _PICKLE
    return "objects of Python" if begins_as_pickle or "operand" not in str(error) else None


def reason_of(error: Exception) -> str:
    """The first line of a reader's error, without the safe reader's, which says how to switch it off."""
    if _is_of_safe_reader(error):
        return "it begins as no such file does"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_of_safe_reader(error: Exception) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in ("weights only", "weights_only", "unsupported"))
