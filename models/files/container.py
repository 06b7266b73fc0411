"""Reading the header of a weight file of any container that can be read without running it."""

from __future__ import annotations

from os.path import splitext
from pathlib import Path

from . import gguf_header, torch_header
from .header import BrokenFile, Header
from .safetensors_header import SUFFIXES, read_header

SUFFIXES_READ = (*SUFFIXES, *torch_header.SUFFIXES, *gguf_header.SUFFIXES)


def container_of(path: str | Path) -> str:
    """safetensors, torch or gguf by the file's ending; "" for anything else."""
    suffix = splitext(path)[1].lower()  # noqa: PTH122 - text, for thousands of files
    if suffix in SUFFIXES:
        return "safetensors"
    if suffix in torch_header.SUFFIXES:
        return "torch"
    return "gguf" if suffix in gguf_header.SUFFIXES else ""


def read_any_header(path: str | Path) -> Header:
    """The header of a weight file. Raises BrokenFile with the file, what is wrong and what to do."""
    container = container_of(path)
    if container == "safetensors":
        return read_header(path)
    if container == "torch":
        return torch_header.read_torch_header(path)
    if container == "gguf":
        return gguf_header.read_gguf_header(path)
    raise BrokenFile(
        f"The file {path} has none of the endings of weight files ({', '.join(SUFFIXES_READ)}). "
        "Choose another file, or rename it if its ending is wrong."
    )
