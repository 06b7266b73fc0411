"""The private host on demand: found, or made under a lock, or made again when it is half-made."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...common.file_lock import locked
from ..terminal import Steps, Unusable
from . import requirements
from .build import STEPS, build
from .definition import Definition, Request, define
from .files import HOST_MARK, TEST_MARK, cache_folder, read_mark, remove_tree, write_mark
from .host import Host, read_version
from .workshop import Workshop, environment_in, python_in

Builder = Callable[[Workshop, Request], dict[str, object]]
# Looks for the packages without importing them: importing torch takes seconds, and every command asks this first.
PROBE = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
PROBED = ("torch", "torchvision", "torchaudio", "aiohttp", "yaml", "numpy", "PIL", "safetensors")


def hosts_folder() -> Path:
    """The folder with one sub-folder per private host."""
    return cache_folder() / "hosts"


def host_folder(definition: Definition) -> Path:
    """The folder of the host with this definition."""
    return hosts_folder() / definition.key


def ensure_private_host(
    request: Request, *, rebuild: bool = False, builder: Builder = build, probed: tuple[str, ...] = PROBED
) -> Host:
    """Return the host that `request` names, making it first if need be. Raises Problem.

    `builder` does the work in an empty folder and returns what the manifest says; `probed` are the packages that a good
    host has.
    """
    definition = define(request)
    folder = host_folder(definition)
    if not rebuild and is_complete(folder, definition, probed):
        return _host(folder, definition)
    with _lock(folder) as descriptor:
        # Another process may have made it while this one waited.
        if rebuild or not is_complete(folder, definition, probed):
            _make(folder, definition, Workshop(folder, Steps(STEPS), descriptor), request, builder)
    return _host(folder, definition)


def ensure_test_tools(request: Request) -> Host:
    """Return the private host with the tools of `armature.py test` in it. Raises Problem."""
    host = ensure_private_host(request)
    folder = host_folder(define(request))
    wanted = {"pins": list(requirements.section(requirements.TEST))}
    if read_mark(folder / TEST_MARK) == wanted:
        return host
    with _lock(folder) as descriptor:
        if read_mark(folder / TEST_MARK) != wanted:
            workshop = Workshop(folder, Steps(1), descriptor)
            with workshop.steps.step(
                "Installing the test tools (pytest, ruff, basedpyright, ...), about 0.2 GB"
            ) as step:
                workshop.install(step, requirements.section(requirements.TEST), "--no-deps")
                remove_tree(workshop.scratch)
            write_mark(folder / TEST_MARK, wanted)
    return host


def is_complete(folder: Path, definition: Definition, probed: tuple[str, ...] = PROBED) -> bool:
    """Whether the folder holds the finished host of this definition and its Python still works; quick."""
    mark = read_mark(folder / HOST_MARK)
    if mark is None or mark.get("key") != definition.key or read_version(folder / "ComfyUI") != definition.version:
        return False
    try:
        # Also fails when the Python that the virtual environment was made from has gone.
        command = [str(python_in(folder / "venv")), "-c", PROBE, *probed]
        probe = subprocess.run(command, capture_output=True, timeout=60, env=environment_in(folder), check=False)
        return probe.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def remove_host(folder: Path) -> None:
    """Delete a host, its mark first, so that whatever interrupts this leaves a half-made one."""
    (folder / HOST_MARK).unlink(missing_ok=True)
    remove_tree(folder)


def remove_host_by_key(key: str) -> bool:
    """Delete the host of that key under its lock; False if there is none."""
    folder = hosts_folder() / key
    if key not in (entry.name for entry in list_hosts_folders()):
        return False
    with _lock(folder):
        remove_host(folder)
    return True


@dataclass(frozen=True)
class HostInCache:
    """A host in the cache: its key, whether it is finished, and its manifest."""

    key: str
    complete: bool
    manifest: dict[str, Any]


def list_hosts_folders() -> list[Path]:
    """The folders of all hosts in the cache, finished or not."""
    if not hosts_folder().is_dir():
        return []
    return sorted(entry for entry in hosts_folder().iterdir() if entry.is_dir())


def list_hosts() -> list[HostInCache]:
    """All hosts in the cache."""
    marks = [(folder, read_mark(folder / HOST_MARK)) for folder in list_hosts_folders()]
    return [HostInCache(folder.name, mark is not None, mark or {}) for folder, mark in marks]


def _make(folder: Path, definition: Definition, workshop: Workshop, request: Request, builder: Builder) -> None:
    if folder.exists():
        reason = (
            "Making this host again" if (folder / HOST_MARK).exists() else "Found a half-made host, making it again"
        )
        print(f"{reason}: {folder}", flush=True)
        remove_host(folder)
    else:
        print(f"Making a private host with ComfyUI {definition.version}, once for all checkouts: {folder}", flush=True)
    folder.mkdir(parents=True)
    facts = builder(workshop, request)
    write_mark(folder / HOST_MARK, {"key": definition.key, **asdict(definition), **facts})


def _lock(folder: Path):
    def waiting() -> None:
        print("Another armature run is preparing this host, waiting ...", file=sys.stderr, flush=True)

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(
            f"{folder.parent}: {error.strerror}. It is the cache that the private ComfyUI lies in; set the environment variable "
            "ARMATURE_CACHE to a folder that you may write."
        ) from None
    return locked(folder.with_name(folder.name + ".lock"), waiting)


def _host(folder: Path, definition: Definition) -> Host:
    return Host(folder / "ComfyUI", python_in(folder / "venv"), definition.version, private=True)
