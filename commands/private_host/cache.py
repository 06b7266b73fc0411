"""Where Armature keeps what it can make again."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for Armature: ARMATURE_CACHE, or the system's own place. It need not exist yet."""
    chosen = os.environ.get("ARMATURE_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "armature"
