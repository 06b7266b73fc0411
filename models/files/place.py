"""Where a model file lies, by the name that a node's list gives."""

from __future__ import annotations

from pathlib import Path


def find_file(name: str, folder: str, what: str, otherwise: str = "choose another") -> Path:
    """Path of a file in one of the host's model folders; ValueError naming the folder's paths when there is none.

    what: the kind of file, otherwise: what else the person can do, both for the message.
    """
    import folder_paths

    path = folder_paths.get_full_path(folder, name)
    if path is None:
        raise ValueError(
            f"There is no {what} '{name}' in the folders {', '.join(folder_paths.get_folder_paths(folder))}. "
            f"Put the file there and refresh the page (key R), or {otherwise}."
        )
    return Path(path)
