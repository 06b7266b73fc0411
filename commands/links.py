"""Making a folder appear in a second place without copying it, also on Windows without special rights."""

import os
import sys
from pathlib import Path

from .errors import Problem


def link_folder(source: Path, parent: Path) -> Path:
    """Make `parent`/<name of source> lead to `source` and return it: a junction on Windows, elsewhere a symbolic link."""
    parent.mkdir(parents=True, exist_ok=True)
    link = parent / source.name
    if _leads_to(link, source):
        return link
    _remove_link(link)
    try:
        if sys.platform == "win32":
            import _winapi

            _winapi.CreateJunction(str(source), str(link))
        else:
            link.symlink_to(source, target_is_directory=True)
    except FileExistsError:
        if not _leads_to(link, source):  # otherwise another process just made the same link
            raise
    return link


def _leads_to(link: Path, source: Path) -> bool:
    return link.exists() and os.path.realpath(link) == os.path.realpath(source)


def _remove_link(link: Path) -> None:
    try:
        link.readlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(
            f"{link} is a real folder, so the pack cannot be linked there. Move it away, or choose another "
            "--base-directory."
        ) from error
    # A junction is removed like a folder, a symbolic link like a file.
    link.rmdir() if sys.platform == "win32" else link.unlink()
