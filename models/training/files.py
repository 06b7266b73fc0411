"""The files of a training: the module, the changes of the base, and what their headers say of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files.trained import Trained
from ..files.writing import write_safetensors

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"[^\\/:*?\"<>|\x00-\x1f.][^\\/:*?\"<>|\x00-\x1f]{0,99}")
_ARCHITECTURES = {
    "sd15": "stable-diffusion-v1",
    "sdxl": "stable-diffusion-xl-v1-base",
    "sd3": "stable-diffusion-v3-medium",
    "flux": "flux-1-dev",
}


def check_name(name: Any, who: str) -> str:
    """A plain file name without an ending; ValueError for anything that climbs, or that a disk does not take."""
    plain = str(name).strip().removesuffix(".safetensors")
    if not _NAME.fullmatch(plain) or ".." in plain:
        raise ValueError(
            f"{who}: {str(name)[:100]!r} is no plain file name. Use letters, digits, spaces, - and _, without folders."
        )
    return plain


def training_folder(name: str) -> Path:
    """Where the state, the log and the sheet of a training lie, inside the host's output folder."""
    import folder_paths

    return Path(folder_paths.get_output_directory()) / "armature_training" / name


def model_path(kind: str, file: str) -> Path:
    """A file in the first of the host's folders of a kind."""
    import folder_paths

    return Path(folder_paths.get_folder_paths(kind)[0]) / file


def header(title: str, trained: Trained, kind: str = "controlnext") -> dict[str, str]:
    """Metadata by modelspec, and our own. kind: what it is beside its base, in modelspec's way."""
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{_ARCHITECTURES.get(trained.base, trained.base)}/{kind}",
        "modelspec.implementation": "armature",
        "modelspec.title": title,
        "modelspec.date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **trained.metadata(),
    }


def write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Whole or not at all. Raises ValueError naming the file where the disk refuses."""
    try:
        write_safetensors(path, {name: one.contiguous() for name, one in tensors.items()}, dict(metadata))
    except OSError as error:
        raise ValueError(
            f"The trained file {path} cannot be written ({error}). Make room there or let the folder be written, and queue "
            "again: the training itself is kept."
        ) from error
