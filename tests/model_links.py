"""Putting a model file into a models folder without a second copy of it where the system allows that."""

import os
import shutil
import tempfile
from pathlib import Path


def link_model(file: Path, folder: Path) -> str:
    """Makes `file` appear in `folder` (made when missing) and returns its name there.

    A symbolic link, else a hard link, else a copy: Windows refuses the first without privileges, and the second fails
    across drives. An entry that already shows this file stays; any other of that name is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    if not (target.exists() and _same(target, file)):
        # Made aside and moved into place, so that nobody ever sees half a file.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".link-") as aside:
            made = Path(aside, file.name)
            _link(file.resolve(), made)
            made.replace(target)
    return file.name


def _same(target: Path, file: Path) -> bool:
    # An earlier copy is another file; generated files bear a hash of their recipe in the name, so the size will do.
    return target.samefile(file) or (not target.is_symlink() and target.stat().st_size == file.stat().st_size)


def _link(file: Path, target: Path) -> None:
    for way in (os.symlink, os.link):
        try:
            way(file, target)
            return
        except (OSError, NotImplementedError):
            continue
    shutil.copyfile(file, target)
