"""Removing and measuring folder trees, also on Windows."""

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import Problem


def remove_tree(folder: Path) -> None:
    """Delete a folder with all in it; Problem if something in it is in use."""

    def make_writable_and_retry(function: Callable[[str], object], path: str, _error: object) -> None:
        Path(path).chmod(stat.S_IWRITE)  # git marks its objects read-only, and Windows does not delete such files
        function(path)

    try:
        if sys.version_info >= (3, 12):
            shutil.rmtree(folder, onexc=make_writable_and_retry)
        else:
            shutil.rmtree(folder, onerror=make_writable_and_retry)
    except FileNotFoundError:
        if folder.exists():
            raise
    except OSError as error:
        raise Problem(
            f"cannot remove {folder}: {error}\nClose the programs that use it (a running ComfyUI, an installer) and "
            "try again."
        ) from error


def tree_size(folder: Path) -> int:
    """Bytes of all files under a folder; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += Path(parent, name).lstat().st_size
            except OSError:
                continue
    return total
