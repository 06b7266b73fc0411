"""What a weight file says about itself, whatever its container, and what is said of a file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What the safetensors format calls a type of numbers, and what torch calls it.
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
_LOOKED_AT = 512  # bytes
AGAIN = "Download it again and compare its size with the one on the page that offers it."
NOT_READ = "not read: "


class BrokenFile(ValueError):
    """A weight file that cannot be read: the message says which file, what is wrong and what to do."""


class NotRead(BrokenFile):
    """A file whose header asks for more than a header may cost; the message begins with NOT_READ."""


class TooMuch(Exception):
    """Raised while a header is read: it asks for more than a header may cost. Its text says of what, as a verb goes on."""


@dataclass(frozen=True, slots=True)
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


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Around the opening and reading of a file: what the system or our own limits refuse becomes a BrokenFile."""
    try:
        yield
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise BrokenFile(
            f"The file {path} cannot be opened ({error.strerror or error}). Check its permissions."
        ) from None
    except TooMuch as error:
        raise NotRead(
            f"{NOT_READ}the header of the file {path} {error}, which is more than any model's. Choose another file, or "
            "another version of it."
        ) from None


def missing(path: Path) -> BrokenFile:
    """The error for a file that is not there."""
    return BrokenFile(f"There is no file {path}. Choose another file, or put it there.")


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
