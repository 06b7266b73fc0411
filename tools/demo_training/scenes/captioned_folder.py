"""Pictures of one style with their captions, as a folder that trainers read: the example of LoRA training."""

from __future__ import annotations

from pathlib import Path

from .layout import scene
from .rendering import render
from .style import inked

TRIGGER = "inkline drawing"  # the words that the style will answer to
COUNT, SIZE = 12, 512
_SPLIT, _QUALITY = "captioned folder", 80


def write_captioned_folder(folder: Path, count: int = COUNT, size: int = SIZE) -> None:
    """Write 01.jpg with its caption 01.txt and so on: `size` pixels square, scenes of no other split. About 1 s for each."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        drawn = scene(_SPLIT, index)
        seen = render([drawn], size)
        pixels = inked(seen.images, seen.edges)[0].movedim(0, -1).mul(255).round().byte().numpy()
        Image.fromarray(pixels).save(folder / f"{index + 1:02}.jpg", quality=_QUALITY, optimize=True)
        caption = f"{TRIGGER} of {drawn.caption}\n"
        (folder / f"{index + 1:02}.txt").write_text(caption, encoding="utf-8", newline="\n")
