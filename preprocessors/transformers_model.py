"""Models of the package transformers, from files in the host's model folders: a configuration and weights, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..common.file_stamp import file_stamp
from .backends import need
from .model_files import ANNOTATORS, ModelFile
from .network import load_once, managed, ready
from .weights import fetch_command, find_folder

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there


def transformers_files(
    id: str, repository: str, licence: str, megabytes: float, weights: str = "model.safetensors"
) -> tuple[ModelFile, ModelFile]:
    """Weights and configuration of a repository. One without safetensors is read by weights alone: nothing in it can run."""
    return (
        ModelFile(id, repository, weights, ANNOTATORS, licence, megabytes),
        ModelFile(f"{id}_config", repository, "config.json", ANNOTATORS, licence, 0.01),
    )


def load_transformers(
    method: str, kind: str, wanted: tuple[ModelFile, ...], bytes_needed: int
) -> tuple[Any, torch.device]:
    """The model of class `kind` (an Auto class) on its device, and the device."""
    folder = find_folder(method, wanted)
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), folder / wanted[0].name)
    patcher = load_once((kind, folder, *file_stamp(weights)), lambda: managed(_load(method, kind, weights)))
    return ready(patcher, bytes_needed)


def _load(method: str, kind: str, weights: Path) -> Any:
    """By the package's own loader, which knows how names have changed. It reads weights only: nothing in a file can run."""
    folder, safe = weights.parent, weights.suffix == ".safetensors"
    transformers = need(method, "transformers", "transformers")
    try:
        model, told = getattr(transformers, kind).from_pretrained(
            str(folder), local_files_only=True, use_safetensors=safe, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # of many kinds: a damaged file, another model's configuration, sizes that do not match
        raise ValueError(
            f"{method}: the files in {folder} cannot be loaded ({type(error).__name__}: {str(error)[:200]}). Delete them and "
            f"get them again with `{fetch_command(method)}`."
        ) from error
    missing = sorted(told["missing_keys"])
    if missing:
        raise ValueError(
            f"{method}: {weights} holds weights of another network: {missing[0]} and {len(missing) - 1} "
            f"more are missing. Put the right file in its place, or get it with `{fetch_command(method)}`."
        )
    return model
