"""Reading weight files safely, with errors that say which file and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.utils
import torch

from .header import BrokenFile, missing, opening
from .safetensors_header import is_safetensors, read_header
from .torch_header import WRAPPERS

_DEEPEST = 2  # dicts within dicts: what weight files have, and far less than a broken one could


def read_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file or a weights-only torch file.

    Raises BrokenFile (a ValueError) when it is missing or damaged, holds anything but tensors, or is a pickle that wants
    to run code.
    """
    path = Path(path)
    check_readable(path)
    try:
        loaded: Any = comfy.utils.load_torch_file(str(path), safe_load=True)
    except MemoryError:
        raise
    except Exception as error:  # the readers raise about everything there is for a damaged file
        raise BrokenFile(_unreadable(path, error)) from error
    if not isinstance(loaded, dict):
        raise BrokenFile(f"The file {path} holds a {type(loaded).__name__}, not weights by name. Choose a weight file.")
    loaded = next((loaded[name] for name in WRAPPERS if isinstance(loaded.get(name), dict)), loaded)
    tensors = dict(_flat(loaded))
    if not tensors:
        raise BrokenFile(
            f"The file {path} holds no tensors by name (found: {', '.join(map(str, list(loaded)[:4])) or 'nothing'}). "
            "It may be a training state rather than weights; choose a weight file."
        )
    return tensors


def read_tensor(path: str | Path, code: str, damaged: str) -> torch.Tensor:
    """The only tensor of a weights-only torch file that holds nothing else.

    code, damaged: what to do about a pickle that wants to run code, and about a damaged file, as sentences. Raises BrokenFile
    (a ValueError) for both, and for a file that is missing or holds anything but a tensor.
    """
    path = Path(path)
    check_readable(path)
    try:
        # Not by the host's reader, which looks for names in what it has read.
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # the unpickler raises about everything for a damaged file
        raise BrokenFile(_unreadable(path, error, code, damaged)) from error
    if not isinstance(loaded, torch.Tensor):
        raise BrokenFile(f"The file {path} holds a {type(loaded).__name__}, not a single tensor. {code}")
    return loaded


def _flat(loaded: dict[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors by name; those in a dict within the file (IP-Adapter's .bin) as 'outer.inner'."""
    for key, value in loaded.items():
        if isinstance(key, str) and isinstance(value, torch.Tensor):
            yield prefix + key, value
        elif isinstance(key, str) and isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(value, f"{prefix}{key}.", depth + 1)


def check_readable(path: str | Path) -> None:
    """Raise BrokenFile where a file is missing, or is a damaged safetensors file; other formats are only looked for."""
    path = Path(path)
    if not path.is_file():
        raise missing(path)
    if is_safetensors(path):
        read_header(path)


def refuse_non_finite(name: str, key: str, value: torch.Tensor) -> None:
    """Raise ValueError when a weight holds NaN or infinite values."""
    if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
        raise BrokenFile(
            f"The file '{name}' is damaged: {key} contains NaN or infinite values. Download or train it again."
        )


def _unreadable(
    path: Path,
    error: Exception,
    if_code: str = "Use a safetensors version of it.",
    if_damaged: str = "Download it again, best as safetensors.",
) -> str:
    reason = _reason_of(error)
    code = None if is_safetensors(path) else _code_in(path, error)
    if is_safetensors(path):
        advice = "It is incomplete, or no safetensors file at all. Download it again and compare its size."
    elif code is not None:
        reason = f"it asks for {code}"
        advice = f"It is a pickle that holds more than weights, and such files can run any code, so it is not opened. {if_code}"
    else:
        advice = f"It is incomplete, or no torch weight file. {if_damaged}"
    return f"The file {path} cannot be read ({reason}). {advice}"


_CODE = re.compile(r"(?:GLOBAL|Unsupported class) ([\w.]+)")
_PICKLE = b"\x80"  # how a pickle of protocol 2 and later begins, in torch's old format and elsewhere


def _code_in(path: Path, error: Exception) -> str | None:
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


def _reason_of(error: Exception) -> str:
    """The first line of a reader's error, without the safe reader's, which says how to switch it off."""
    if _is_of_safe_reader(error):
        return "it begins as no such file does"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _is_of_safe_reader(error: Exception) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in ("weights only", "weights_only", "unsupported"))
