"""What was made once of a training set and is kept on disk: maps, latents, texts. The folder may be removed at any time."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..files.writing import write_safetensors

_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,199}")
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Store:
    """A folder of safetensors files, one for each key. A key says all that its tensors depend on, as a hash."""

    folder: Path

    def path(self, key: str) -> Path:
        """Where the tensors of a key lie, or will. ValueError for a key that is no name of a file."""
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"Training cache: {key!r} cannot be the name of a file; a key is of letters, digits, _ - ."
            )
        return self.folder / f"{key}.safetensors"

    def get(self, key: str, make: Callable[[], Tensors]) -> Tensors:
        """The tensors of a key, on the processor; made, and kept for the next time, where they are missing or the file is
        damaged. ValueError where they cannot be written.
        """
        path = self.path(key)
        kept = _read(path)
        if kept is not None:
            return kept
        made = {name: tensor.detach().to("cpu").contiguous() for name, tensor in make().items()}
        try:
            write_safetensors(path, made, {"format": "pt"})
        except OSError as error:
            raise ValueError(_told(self.folder, error)) from error
        return made


def default_store() -> Store:
    """The one in the host's output folder."""
    import folder_paths

    return Store(Path(folder_paths.get_output_directory()) / "armature_training" / "cache")


def _read(path: Path) -> Tensors | None:
    """All of it in memory, so that nothing holds the file open."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError):
        return None


def _told(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            f"The disk is full: nothing more can be kept in the training cache {folder}. Make room, or remove that folder, whose "
            "files are made again when they are needed; then run again."
        )
    return f"The training cache {folder} cannot be written to ({error.strerror or error}). Let ComfyUI write there."
