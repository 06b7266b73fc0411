"""Folders of pictures inside the host's input folder. Light, because a node lists them whenever it is described."""

from __future__ import annotations

from pathlib import Path

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def folder_names() -> list[str]:
    """Folders with pictures inside the host's input folder."""
    import folder_paths

    root = Path(folder_paths.get_input_directory())
    if not root.is_dir():
        return []
    return [folder.name for folder in sorted(root.iterdir()) if folder.is_dir() and pictures_in(folder)]


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by name."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
