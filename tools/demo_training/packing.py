"""From a training folder into the pack: the finished parts, packed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open

from ...models.demo.weights_file import WEIGHTS, load, pack
from ...models.files.writing import write_safetensors
from .training.files import read, write
from .training.loop import Known
from .training.parts import STAGES, Stage, stage

BUDGET = 16_000_000  # bytes for all parts together


def pack_finished(folder: Path, target: Path = WEIGHTS) -> dict[str, int]:
    """Write the finished parts of a training folder to `target`; returns the bytes of each.

    ControlNeXt's part of the UNet is stored as the difference to the UNet that it was trained on; a later training of a part goes
    into the file of that part, and both are told in its header.
    """
    sizes: dict[str, int] = {}
    for part in STAGES:
        finished = folder / f"{part.name}.safetensors"
        if not finished.exists():
            continue
        tensors, numbers = read(finished)
        if not numbers:
            continue  # it came from the pack
        if part.name.startswith("controlnext"):
            tensors = _with_unet(tensors, folder, -1)
        log, packed_file = folder / f"{part.name}.jsonl", target / f"{part.file}.safetensors"
        about = {"armature.demo": part.file, _header_key(part): json.dumps(numbers)}
        if part.over:
            tensors = read(folder / packed_file.name)[0]
            about = _header(packed_file) | about
        write_safetensors(packed_file, pack(tensors), about)
        if log.exists():
            (target / log.name).write_text(log.read_text(encoding="utf-8"), encoding="utf-8")
        sizes[part.file] = packed_file.stat().st_size
    return sizes


def packed(part: str, folder: Path) -> Known:
    """What the pack holds of a part, under the names that its training has; ControlNeXt's on the UNet of this folder."""
    trained = stage(part)
    tensors, log = load(trained.file), WEIGHTS / f"{part}.jsonl"
    if part.startswith("controlnext"):
        tensors = _with_unet(tensors, folder, 1)
    numbers = json.loads(_header(WEIGHTS / f"{trained.file}.safetensors").get(_header_key(trained), "{}"))
    last = {name: value for name, value in numbers.items() if name != "before"}
    before = (*numbers.get("before", ()), last) if last else ()
    return Known(tensors, before, log.read_text(encoding="utf-8") if log.exists() else "")


def _with_unet(tensors: Mapping[str, torch.Tensor], folder: Path, times: int) -> dict[str, torch.Tensor]:
    """ControlNeXt's own tensors, and its part of the UNet with this folder's UNet added so many times."""
    base = read(folder / "unet.safetensors")[0]
    return {
        name: value + times * base[name.removeprefix("unet.")] if name.startswith("unet.") else value
        for name, value in tensors.items()
    }


def _header_key(part: Stage) -> str:
    return f"armature.training.{part.name}" if part.over else "armature.training"


def _header(path: Path) -> dict[str, str]:
    """A file's own words about itself; nothing where there is no file."""
    if not path.is_file():
        return {}
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def unpack_missing(folder: Path, parts: tuple[str, ...]) -> None:
    """Write those of the parts that a training folder lacks from the weights that come with the pack."""
    for part in parts:
        if not (folder / f"{part}.safetensors").exists():
            write(folder / f"{part}.safetensors", load(part))
