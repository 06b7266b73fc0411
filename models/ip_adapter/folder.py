"""The host's model folder `ipadapter`, which other packs share."""

from __future__ import annotations

from pathlib import Path

NAME = "ipadapter"
_ENDINGS = {".safetensors", ".bin", ".pt", ".pth"}


def file_names() -> list[str]:
    """The files in the folder, by the names that a loader takes."""
    import folder_paths

    register()
    return folder_paths.get_filename_list(NAME)


def register() -> None:
    """Make the folder known to the host, with the endings of weight files; what others have registered there stays."""
    import folder_paths

    known = folder_paths.folder_names_and_paths.get(NAME)
    if known is None:
        folder_paths.add_model_folder_path(NAME, str(Path(folder_paths.models_dir) / NAME))
        known = folder_paths.folder_names_and_paths[NAME]
    if not known[1]:  # the host's sign for a folder in which every file is listed
        folder_paths.folder_names_and_paths[NAME] = (known[0], set(_ENDINGS))
