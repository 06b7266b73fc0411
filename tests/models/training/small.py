"""A checkpoint that trains in seconds, and sets of drawn squares whose map says where the square is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import comfy.sd
import torch
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.models.training.from_folder import set_of_folder
from armature_pack.models.training.store import Store
from armature_pack.models.training.training_set import TrainingSet, Wanted
from armature_pack.preprocessors.registry import find_method
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.latest import latest
from PIL import Image, ImageDraw

SIDE = 64


@latest(1)
def checkpoint() -> tuple[Any, Any, Any]:
    """MODEL, CLIP and VAE, as the host's loader gives them inside a node."""
    file = generate("sd15_checkpoint", cache_folder() / "generated")
    with torch.inference_mode():
        return comfy.sd.load_checkpoint_guess_config(str(file))[:3]


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
