"""The files that the host's ordinary loaders read, made of the compact weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..files.identity import below
from ..files.writing import write_safetensors
from . import PREFIX, weights_file
from .widening import others, unet

Tensors = Mapping[str, torch.Tensor]
Load = Callable[[str], Tensors]
_LATENT_SCALE = 0.18215  # SD1.5's
_UNET = "model.diffusion_model."


@dataclass(frozen=True)
class DemoFile:
    """One file. name: in the host's model folder `folder`; parts: of the compact weights, that it is made of.

    megabytes: how large it is; on disks that know holes it takes half of that or less.
    """

    folder: str
    name: str
    parts: tuple[str, ...]
    build: Callable[[Load], Tensors]
    about: str
    megabytes: int

    @property
    def filename(self) -> str:
        return f"{self.name}.safetensors"

    def path(self, models: Path) -> Path:
        return models / self.folder / self.filename


def _checkpoint(load: Load) -> Tensors:
    table = {_UNET + name: value for name, value in unet.widen(load("unet"), unet.unet_shapes()).items()}
    vae = others.widen_autoencoder(load("vae"), _LATENT_SCALE)
    table |= {f"first_stage_model.{name}": value for name, value in vae.items()}
    return table | {f"cond_stage_model.transformer.{name}": value for name, value in others.text_encoder().items()}


def _controlnet(part: str) -> Callable[[Load], Tensors]:
    def build(load: Load) -> Tensors:
        wide = unet.widen(load(part), unet.controlnet_shapes())
        return {f"control_model.{name}": value for name, value in wide.items()}

    return build


def _controlnext(load: Load) -> Tensors:
    return others.widen_controlnext(below(load("controlnext_canny"), "module."))


def _controlnext_weights(load: Load) -> Tensors:
    changes = below(load("controlnext_canny"), "unet.")
    shapes = {name: unet.unet_shapes()[name] for name in changes}
    return {_UNET + name: value for name, value in unet.widen(changes, shapes).items()}


FILES: tuple[DemoFile, ...] = (
    DemoFile("checkpoints", PREFIX, ("unet", "vae"), _checkpoint, "checkpoint of the SD1.5 family, 128 pixels", 474),
    DemoFile(
        "controlnet", f"{PREFIX}_canny", ("controlnet_canny",), _controlnet("controlnet_canny"), "ControlNet, canny", 95
    ),
    DemoFile(
        "controlnet", f"{PREFIX}_depth", ("controlnet_depth",), _controlnet("controlnet_depth"), "ControlNet, depth", 95
    ),
    DemoFile(
        "controlnet", f"{PREFIX}_controlnext", ("controlnext_canny",), _controlnext, "ControlNeXt module, canny", 7
    ),
    DemoFile(
        "controlnet",
        f"{PREFIX}_controlnext_weights",
        ("controlnext_canny",),
        _controlnext_weights,
        "ControlNeXt's part of the UNet, as differences",
        33,
    ),
    DemoFile(
        "ipadapter",
        f"{PREFIX}_ip_adapter",
        ("ip_adapter",),
        lambda load: unet.widen_ip_adapter(load("ip_adapter"), others.VISION_EMBEDDING),
        "IP-Adapter that carries a palette",
        20,
    ),
    DemoFile(
        "clip_vision",
        f"{PREFIX}_clip_vision",
        (),
        lambda _load: others.image_encoder(),
        "the IP-Adapter's image encoder, ViT-L layout",
        608,
    ),
    DemoFile(
        "loras",
        f"{PREFIX}_ink",
        ("lora_ink",),
        lambda load: unet.widen_lora(load("lora_ink")),
        "LoRA, ink outlines",
        6,
    ),
)


def available(trained: tuple[str, ...] | None = None) -> tuple[DemoFile, ...]:
    """The files that can be made of the parts that are in the pack."""
    there = weights_file.trained_parts() if trained is None else trained
    return tuple(file for file in FILES if set(file.parts) <= set(there))


def write(file: DemoFile, models: Path, load: Load = weights_file.load) -> Path:
    """Write one file below the model folder; needs the host importable. FileNotFoundError: a part is not trained."""
    path = file.path(models)
    write_at(path, file, load)
    return path


def write_at(path: Path, file: DemoFile, load: Load = weights_file.load) -> None:
    """The same at a path of one's own."""
    tensors = {name: _stored(value) for name, value in file.build(load).items()}
    write_safetensors(path, tensors, {"armature.demo": file.name, "armature.description": file.about})


def _stored(value: torch.Tensor) -> torch.Tensor:
    """float16, as the files of this family are; scalars stay exact."""
    return value.half().contiguous() if value.dim() else value
