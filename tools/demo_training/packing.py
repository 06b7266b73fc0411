"""From a training folder into the pack: the finished parts, packed."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open

from ...models.demo.weights_file import WEIGHTS, load, pack
from ...models.files.writing import write_safetensors
from .training.files import read, write
from .training.loop import Known
from .training.parts import STAGES

BUDGET = 16_000_000  # bytes for all parts together


def pack_finished(folder: Path, target: Path = WEIGHTS) -> dict[str, int]:
    """Write the finished parts of a training folder to `target`; returns the bytes of each.

    ControlNeXt's part of the UNet is stored as the difference to the UNet that it was trained on.
    """
    sizes: dict[str, int] = {}
    for stage in STAGES:
        finished = folder / f"{stage.name}.safetensors"
        if not finished.exists():
            continue
        tensors, numbers = read(finished)
        if not numbers:
            continue  # it came from the pack
        if stage.name.startswith("controlnext"):
            base = read(folder / "unet.safetensors")[0]
            tensors = {
                name: value - base[name.removeprefix("unet.")] if name.startswith("unet.") else value
                for name, value in tensors.items()
            }
        log = folder / f"{stage.name}.jsonl"
        about = {"armature.demo": stage.name, "armature.training": json.dumps(numbers)}
        write_safetensors(target / finished.name, pack(tensors), about)
        if log.exists():
            (target / log.name).write_text(log.read_text(encoding="utf-8"), encoding="utf-8")
        sizes[stage.name] = (target / finished.name).stat().st_size
    return sizes


def packed(part: str, folder: Path) -> Known:
    """What the pack holds of a part, under the names that its training has; ControlNeXt's on the UNet of this folder."""
    tensors, log = load(part), WEIGHTS / f"{part}.jsonl"
    if part.startswith("controlnext"):
        base = read(folder / "unet.safetensors")[0]
        tensors = {
            name: value + base[name.removeprefix("unet.")] if name.startswith("unet.") else value
            for name, value in tensors.items()
        }
    with safe_open(WEIGHTS / f"{part}.safetensors", framework="pt") as file:
        numbers = json.loads(file.metadata()["armature.training"])
    last = {name: value for name, value in numbers.items() if name != "before"}
    return Known(tensors, (*numbers.get("before", ()), last), log.read_text(encoding="utf-8") if log.exists() else "")


def unpack_missing(folder: Path, parts: tuple[str, ...]) -> None:
    """Write those of the parts that a training folder lacks from the weights that come with the pack."""
    for part in parts:
        if not (folder / f"{part}.safetensors").exists():
            write(folder / f"{part}.safetensors", load(part))
