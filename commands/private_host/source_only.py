"""ComfyUI's source alone: another release, run in the environment of a host that has the packages it needs."""

import hashlib
import sys
from pathlib import Path

from ..console import Steps
from .cache import cache_folder
from .definition import Request, define
from .folders import remove_tree
from .lock import locked
from .manifest import HOST_MARK, read_mark, write_mark
from .source import fetch
from .workshop import Workshop


def ensure_source(request: Request) -> Path:
    """The folder of the ComfyUI that `request` names, fetched once into the cache by this Python's pip. Raises Problem."""
    source = define(request).source
    key = f"{request.release.version}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    folder = cache_folder() / "sources" / key
    with locked(folder.with_name(f"{key}.lock"), lambda: print("Another run fetches this source, waiting ...")) as lock:
        workshop = Workshop(folder, Steps(1), lock, interpreter=Path(sys.executable))
        if read_mark(folder / HOST_MARK) is None:
            remove_tree(folder)
            folder.mkdir()
            fetch(workshop, request)
            remove_tree(workshop.scratch)
            write_mark(folder / HOST_MARK, {"key": key, "source": source})
    return workshop.comfyui
