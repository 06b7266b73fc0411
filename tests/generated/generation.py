"""Make a named file on demand; a file that is already there is used as it is."""

from __future__ import annotations

from pathlib import Path

from armature_pack.models.files.writing import write_safetensors
from armature_pack.tests.generated.catalog import find_recipe


def generate(name: str, folder: Path) -> Path:
    """Return the path of the named recipe's file in ``folder``, writing it first if it is missing.

    The file's name carries a hash of the recipe, so a changed recipe never finds an older file. Safe to call from several
    processes at once. Writing needs the host importable.

    Raises:
        ValueError: no recipe has this name; the message lists the names.
    """
    wanted = find_recipe(name)
    path = Path(folder) / wanted.file_name
    if not path.exists():
        write_safetensors(path, wanted.source.build(wanted.seed), wanted.metadata)
    return path
