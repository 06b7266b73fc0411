"""Folders of pictures inside the host's input folder. Light, because nodes list them whenever they are described."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


def input_root() -> Path:
    """The host's input folder."""
    import folder_paths

    return Path(folder_paths.get_input_directory())


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture which counts; hidden ones do not."""
    return Path(name).suffix.lower() in ENDINGS and not name.startswith(".")


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by name."""
    return sorted(file for file in folder.iterdir() if is_picture(file.name) and file.is_file())


def has_pictures_below(folder: Path) -> bool:
    """Whether a folder, or any folder in it, holds a picture."""
    return any(is_picture(name) for _, _, names in os.walk(folder) for name in names)


def folder_in_input(name: str, who: str) -> Path:
    """The folder of a name; ValueError in the words of `who` where there is none inside the input folder.

    What a person has linked into the input folder is inside it; the way out by `..` is not.
    """
    root, path = input_root(), PurePath(name)
    inside = path.parts and not path.drive and not path.is_absolute() and ".." not in path.parts
    if not inside or not (root / path).is_dir():
        raise ValueError(f"{who}: there is no folder '{name}' in the input folder {root}. Put the pictures into one.")
    return root / path
