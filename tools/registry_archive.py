"""The registry's tools for the tests, in a virtual environment of their own: their dependencies would change the host's.

It lies in the user's cache folder, once for all checkouts and each list of pins, and is made on first use.
"""

import os
import sys
from pathlib import Path

from ..commands.private_host.files import cache_folder, read_mark, remove_tree, write_mark
from ..commands.private_host.workshop import Workshop
from ..commands.terminal import Problem, Steps
from ..common.digests import sha256
from ..common.file_lock import locked

VARIABLE = "ARMATURE_REGISTRY_TOOLS"
PINS = Path(__file__).with_name("registry_tools.txt")
MARK = "complete.json"


def ensure_registry_tools() -> str:
    """The folder of the tools' programs, made if need be; '' if that failed, having said what to do.

    The variable ARMATURE_REGISTRY_TOOLS decides if it is set: such a folder, or nothing to go without.
    """
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    try:
        return str(_ensure(_folder(), Steps(1)))
    except Problem as problem:
        print(f"armature: {problem}", file=sys.stderr)
        print("The tests with the registry's tools are skipped; the other tests go on.", file=sys.stderr)
        return ""


def pins() -> list[str]:
    """The requirement lines of registry_tools.txt."""
    return [line for line in PINS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def _folder() -> Path:
    version = ".".join(str(number) for number in sys.version_info[:2])
    key = sha256("\n".join([sys.prefix, *pins()]))[:12]
    return cache_folder() / "registry_tools" / f"{version}-{key}"


def _ensure(folder: Path, steps: Steps) -> Path:
    with locked(folder.with_suffix(".lock"), _waiting) as lock:
        workshop = Workshop(folder, steps, lock)
        if read_mark(folder / MARK) is None or not workshop.python.exists():
            _make(workshop)
    return workshop.python.parent


def _make(workshop: Workshop) -> None:
    remove_tree(workshop.folder)
    workshop.folder.mkdir(parents=True)
    with workshop.steps.step("Installing the registry's tools (comfy-cli, nodesafe, ...), about 0.3 GB") as step:
        workshop.run(step, [sys.executable, "-m", "venv", str(workshop.environment_folder)], "")
        workshop.install(step, pins(), "--no-deps")
        remove_tree(workshop.scratch)
    write_mark(workshop.folder / MARK, {"pins": pins()})


def _waiting() -> None:
    print("Another armature run is installing the registry's tools, waiting ...", file=sys.stderr, flush=True)
