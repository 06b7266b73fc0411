"""A checkpoint that trains in seconds, and sets of drawn squares whose map says where the square is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.sd
import pytest
import torch
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.models.training.from_folder import set_of_folder
from armature_pack.models.training.store import Store
from armature_pack.models.training.training_set import TrainingSet, Wanted
from armature_pack.preprocessors.registry import find_method
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.generated.unet import UNet
from armature_pack.tests.generated.weights import random_weights, shapes_of
from armature_pack.tests.latest import latest
from PIL import Image, ImageDraw

SIDE = 64
CPU = torch.device("cpu")
JUST_ONE_BLOCK = -1  # the host's sign for a middle without a transformer
# In the family's full width, which a map that is added has, and as few blocks as have each kind: of a training's time
# most is the network's.
NETWORK = UNet("SD15", (1, 1), (1, 1), (1, 0), (1, 0, 0, 0), JUST_ONE_BLOCK)


def checkpoint_file() -> str:
    return str(generate("sd15_checkpoint", cache_folder() / "generated"))


@latest(1)
def checkpoint() -> tuple[Any, Any, Any]:
    """MODEL, and CLIP and VAE of a file, as the host's loader gives them inside a node."""
    with torch.inference_mode():
        _, clip, vae, *_ = comfy.sd.load_checkpoint_guess_config(checkpoint_file(), output_model=False)
    return base(), clip, vae


def base(dtype: torch.dtype = torch.float32) -> Any:
    """MODEL of SD 1.5's family with seeded weights, kept in these numbers."""
    config = NETWORK.model_config()
    config.set_inference_dtype(dtype, comfy.model_management.unet_manual_cast(dtype, CPU))
    with torch.inference_mode():
        model = config.get_model({}, "", device=CPU)
        weights = random_weights(shapes_of(model.diffusion_model), 15, "float16")
        model.diffusion_model.load_state_dict(weights)
        model.diffusion_model.to(dtype)
    return comfy.model_patcher.ModelPatcher(model, CPU, CPU)


@latest(1)
def kept() -> Store:
    """Texts and latents are made once for all tests: what is kept is told by a hash of all that it is made of."""
    return Store(Path(tempfile.mkdtemp(prefix="armature_training_")))


def draw_squares(folder: Path, count: int = 10) -> Path:
    """Pictures of a square on a plain ground, with captions, in a folder."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(5)
    for number in range(count):
        left, top, red, blue = torch.randint(4, 32, (4,), generator=generator).tolist()
        picture = Image.new("RGB", (SIDE, SIDE), (40, 90 + blue, 160))
        ImageDraw.Draw(picture).rectangle((left, top, left + 26, top + 26), (200 + red, 60, blue))
        picture.save(folder / f"{number:03}.png")
        (folder / f"{number:03}.txt").write_text("a square", encoding="utf-8")
    return folder


def squares(folders: Path, count: int = 10, method: str | None = "canny") -> TrainingSet:
    """A set of them in the input folder, with maps by a method or without."""
    if not (folders / "input" / "squares").is_dir():
        draw_squares(folders / "input" / "squares", count)
    entry = None if method is None else find_method(method)
    return set_of_folder("squares", Wanted(size=SIDE, maps="none", entry=entry), kept()).set


def own_folders(parent: Path, patch: pytest.MonkeyPatch) -> Path:
    """Input, output and control folders of the host below `parent`, until the patch is taken back."""
    import folder_paths

    for name in ("input", "output"):
        (parent / name).mkdir()
        patch.setattr(folder_paths, f"{name}_directory", str(parent / name))
    (parent / "controlnet").mkdir()
    known = folder_paths.folder_names_and_paths
    patch.setitem(known, "controlnet", ([str(parent / "controlnet")], known["controlnet"][1]))
    patch.setattr(folder_paths, "filename_list_cache", {})
    return parent
