"""ComfyUI's source alone: another release, run in the environment of a host that has the packages it needs."""

import sys
from pathlib import Path

from ..commands.private_host.definition import Request, define
from ..commands.private_host.files import HOST_MARK, cache_folder, read_mark, remove_tree, write_mark
from ..commands.private_host.source import fetch
from ..commands.private_host.workshop import Workshop
from ..commands.terminal import Steps
from ..common.digests import sha256
from ..common.file_lock import locked


def ensure_source(request: Request) -> Path:
    """The folder of the ComfyUI that `request` names, fetched once into the cache by this Python's pip. Raises Problem."""
    source = define(request).source
    key = f"{request.release.version}-{sha256(source)[:12]}"
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
