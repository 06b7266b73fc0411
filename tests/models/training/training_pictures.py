"""Small pictures that differ, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def colours(seed: int, width: int = 96, height: int = 96) -> Image.Image:
    """Sharp blocks of random colours, unlike those of any other seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST)


def edges(seed: int, width: int = 96, height: int = 96) -> Image.Image:
    """A map of white lines, one pixel wide, on black."""
    lines = np.zeros((height, width), dtype=np.uint8)
    for place in np.random.default_rng(seed).integers(4, min(width, height) - 4, 3):
        lines[place, 4:-4] = 255
        lines[4:-4, place] = 255
    return Image.fromarray(lines)


def save(picture: Image.Image, path: Path) -> Path:
    """Write a picture; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def write(path: Path, text: str) -> Path:
    """Write a text; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def folder_of(path: Path, count: int, maps: bool = False, captions: bool = True) -> Path:
    """A folder of so many pictures, from 1.png on."""
    for number in range(1, count + 1):
        save(colours(number), path / f"{number}.png")
        if captions:
            write(path / f"{number}.txt", f"blocks, number {number}")
        if maps:
            save(edges(number), path / "maps" / f"{number}.png")
    return path
