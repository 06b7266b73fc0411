"""Which model folders lie below a folder that a person names: ComfyUI's own, or those of another program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .container import SUFFIXES_READ
from .index import standard_folders

# What other programs (Automatic1111's and its forks, SwarmUI, Stability Matrix) call the folders, without case and
# punctuation. ComfyUI's own extra_model_paths.yaml has the same pairs.
_OTHER_NAMES = {
    "stablediffusion": "checkpoints",
    "lora": "loras",
    "lycoris": "loras",
    "esrgan": "upscale_models",
    "realesrgan": "upscale_models",
    "swinir": "upscale_models",
    "dat": "upscale_models",
    "upscalemodels": "upscale_models",
    "vae": "vae",
    "vaeapprox": "vae_approx",
    "controlnet": "controlnet",
    "t2iadapter": "controlnet",
    "embeddings": "embeddings",
    "embedding": "embeddings",
    "textencoder": "text_encoders",
    "textencoders": "text_encoders",
    "clip": "text_encoders",
    "clipvision": "clip_vision",
    "ipadapter": "ipadapter",
    "unet": "diffusion_models",
    "diffusionmodels": "diffusion_models",
    "gligen": "gligen",
    "hypernetworks": "hypernetworks",
    "hypernetwork": "hypernetworks",
}
_OWN = (
    *("checkpoints", "loras", "vae", "controlnet", "text_encoders", "clip", "unet", "diffusion_models", "clip_vision"),
    *(
        "upscale_models",
        "style_models",
        "ipadapter",
        "model_patches",
        "gligen",
        "vae_approx",
        "t2i_adapter",
        "photomaker",
    ),
)
_MAIN = ("checkpoints", "loras", "diffusion_models", "unet")
_FOREIGN = ("stablediffusion", "lora", "lycoris", "esrgan", "realesrgan")  # no folder of ComfyUI's is called so


@dataclass(frozen=True)
class ModelFolders:
    """folders: by the host's names for them. note: where they were found, when that is not where the person said."""

    folders: Mapping[str, tuple[Path, ...]]
    note: str = ""


def model_folders(path: Path) -> ModelFolders:
    """The model folders at a path, one level above or below it too. Raises ValueError where there are none."""
    if path.is_file():
        raise ValueError("that is a file. Give the folder that holds checkpoints, loras, ...")
    if not path.is_dir():
        raise ValueError("there is no such folder. Give the one that holds checkpoints, loras, ...")
    if _is_own(path):
        return ModelFolders(standard_folders(path))
    below = [one for one in (path / "models", path / "Models") if one.is_dir()]
    for place in (path, *below):
        if _is_foreign(place):
            return ModelFolders(
                _foreign(place, path), f"these folders are named as another program names them: {place}"
            )
    for place in below:
        if _is_own(place):
            return ModelFolders(standard_folders(place), f"its models are in {place}")
    if path.name in _OWN and _is_own(path.parent):
        return ModelFolders(standard_folders(path.parent), f"it is one of the folders in {path.parent}, which is used")
    raise ValueError(_why_none(path))


def _is_own(path: Path) -> bool:
    """Whether ComfyUI's folders lie there; other programs have some names in common with it, but not the main ones."""
    return any((path / name).is_dir() for name in (_MAIN if _is_foreign(path) else _OWN))


def _is_foreign(path: Path) -> bool:
    return any(_plain(one.name) in _FOREIGN for one in _folders_in(path))


def _foreign(place: Path, root: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for one in (*_folders_in(place), *(_folders_in(root) if root != place else ())):
        name = _OTHER_NAMES.get(_plain(one.name))
        if name is not None:
            found[name] = (*found.get(name, ()), one)
    return found


def _folders_in(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _why_none(path: Path) -> str:
    advice = "Give ComfyUI's models folder, which holds checkpoints, loras, controlnet and so on."
    if any(one.suffix.lower() in SUFFIXES_READ for one in path.iterdir()):
        return (
            "it holds model files, but none of ComfyUI's model folders: which loader finds a file depends on its folder. "
            f"{advice}"
        )
    return f"it holds none of ComfyUI's model folders. {advice}"
