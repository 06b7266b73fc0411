"""The parts in the order in which they are trained, and what each of them needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import bank, lessons, processes
from .files import read, write
from .loop import Known, Training
from .part import Part, Workplace

Say = Callable[[str], None]
Make = Callable[[Path, Workplace], Part]


@dataclass(frozen=True)
class Stage:
    """One part of the chain. seconds: of one core, by default; scenes: how many it is trained on; needs: finished parts; over:
    the part that it is a later training of, whose file takes what it learned.
    """

    name: str
    seconds: float
    scenes: int
    make: Make
    needs: tuple[str, ...] = ("vae", "unet")
    over: str = ""

    @property
    def file(self) -> str:
        """Name of the weights that it gives, without the ending."""
        return self.over or self.name


def _vae(folder: Path, place: Workplace) -> Part:
    from .vae_part import VaePart

    return VaePart(bank.load(folder, place.scenes, place.device), place)


def _vae_detail(folder: Path, place: Workplace) -> Part:
    from .vae_part import VaeDetailPart

    return VaeDetailPart(folder, bank.load(folder, place.scenes, place.device), place)


def _unet(folder: Path, place: Workplace) -> Part:
    from .unet_part import UNetPart

    return UNetPart(lessons.load(folder, place))


def _controlnet(kind: str) -> Make:
    def make(folder: Path, place: Workplace) -> Part:
        from .control_parts import ControlNetPart

        return ControlNetPart(kind, folder, lessons.load(folder, place))

    return make


def _controlnext(folder: Path, place: Workplace) -> Part:
    from .control_parts import ControlNeXtPart

    return ControlNeXtPart(folder, lessons.load(folder, place))


def _ip_adapter(folder: Path, place: Workplace) -> Part:
    from .image_prompt_part import ImagePromptPart

    return ImagePromptPart(folder, lessons.load(folder, place))


def _lora(folder: Path, place: Workplace) -> Part:
    from .lora_part import LoRAPart

    return LoRAPart(folder, lessons.load(folder, place))


def _decoder(folder: Path, place: Workplace) -> Part:
    from .decoder_part import DecoderPart

    return DecoderPart(folder, lessons.load(folder, place))


_SCENES = 12_000
STAGES: tuple[Stage, ...] = (
    Stage("vae", 2100, 3_000, _vae, ()),
    Stage("vae_detail", 3000, _SCENES, _vae_detail, ("vae",), "vae"),
    Stage("unet", 5400, _SCENES, _unet, ("vae",)),
    Stage("controlnet_canny", 1800, _SCENES, _controlnet("canny")),
    Stage("controlnext_canny", 1800, _SCENES, _controlnext),
    Stage("controlnet_depth", 1500, _SCENES, _controlnet("depth")),
    Stage("ip_adapter", 900, _SCENES, _ip_adapter, ("vae", "unet", "controlnet_canny")),
    Stage("lora_ink", 900, _SCENES, _lora, ("vae", "unet", "controlnet_canny", "ip_adapter")),
    Stage("vae_decoder", 2400, _SCENES, _decoder, ("vae", "unet", "controlnet_canny"), "vae"),
)


def stage(name: str) -> Stage:
    """The stage of this name, or a ValueError that lists the names."""
    for one in STAGES:
        if one.name == name:
            return one
    raise ValueError(f"The demo model has no part {name!r}. Its parts are: {', '.join(one.name for one in STAGES)}.")


def workplace(device: torch.device, scenes: int, batch: int | None = None) -> Workplace:
    """A place with the usual batch of this device, shared by the processes."""
    return Workplace(device, batch or (32 if device.type == "cpu" else 256) // processes.size(), scenes)


def train(
    part: Stage,
    folder: Path,
    say: Say,
    *,
    seconds: float | None = None,
    scenes: int | None = None,
    device: str = "cpu",
    batch: int | None = None,
    known: Callable[[], Known] | None = None,
) -> Path:
    """Train this part in `folder` and return its weights; a finished part is left as it is, unless more seconds are given to it.

    seconds: of work, processor time on a CPU; scenes: how many to train on; known: gives what to begin with, without it a part
    begins anew. The parts that it needs must be finished.
    """
    where = torch.device(device)
    place = workplace(where, scenes or part.scenes, batch)

    def prepared() -> Part:
        for line in bank.make_shards(folder, place.scenes, where):
            say(line)
        return part.make(folder, place)

    finished, budget = folder / f"{part.name}.safetensors", seconds or part.seconds
    if finished.exists() and not _goes_on(finished, seconds):
        say(f"{part.name}: finished before")
        return finished
    made = processes.leader_first(prepared)
    path = Training(made, folder, budget, where, known=known() if known else None).run(say)
    if part.over and processes.rank() == 0:
        weights, numbers = read(folder / f"{part.file}.safetensors")
        write(folder / f"{part.file}.safetensors", weights | read(path)[0], numbers)
    return path


def _goes_on(finished: Path, seconds: float | None) -> bool:
    """Whether a finished part was given less work than is asked for now."""
    before = read(finished)[1].get("seconds")
    return seconds is not None and before is not None and before < seconds
