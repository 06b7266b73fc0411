"""One usable ComfyUI and the Python that runs it, private or the user's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..places import home_path, whole_path
from ..terminal import Problem
from . import processes

VARIABLE = "ARMATURE_HOST"


def keeping_compiled(folder: Path) -> dict[str, str]:
    """The variables that let Python keep compiled modules in a host's folder.

    Without them each start of ComfyUI takes twice as long; containers often forbid them in the folders of the sources.
    """
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


@dataclass(frozen=True)
class Host:
    """A ComfyUI folder, the Python that runs it, its version, and whether it is ours (private) or the user's."""

    comfyui: Path
    python: Path
    version: str
    private: bool

    def environment(self) -> dict[str, str]:
        """The variables that tell a child process about this host, and let it keep compiled modules in a host of ours."""
        record = {
            "comfyui": str(self.comfyui),
            "python": str(self.python),
            "version": self.version,
            "private": self.private,
        }
        variables = {VARIABLE: json.dumps(record), "ARMATURE_COMFYUI": str(self.comfyui)}
        if self.private:
            variables |= keeping_compiled(self.comfyui.parent)
        return variables

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Host":
        """Read back what `environment()` wrote; KeyError when there is nothing to read."""
        record = json.loads(environment[VARIABLE])
        return cls(Path(record["comfyui"]), Path(record["python"]), record["version"], record["private"])


def read_version(comfyui: Path) -> str | None:
    """The version in ComfyUI's comfyui_version.py, or None if it is not there."""
    try:
        text = (comfyui / "comfyui_version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "__version__":
            return value.strip().strip("\"'")
    return None


# Using the user's own ComfyUI, which Armature reads but never changes.

# torch takes seconds to import and proves that the environment works; find_spec would accept a broken one.
PROBE = "import torch, aiohttp"


def find_user_host(comfyui: Path, python: str | None = None) -> Host:
    """Return the host at the folder `comfyui`, run by `python` or by the Python that belongs to it. Raises Problem."""
    comfyui = whole_path(comfyui)
    if not (comfyui / "main.py").is_file() and (comfyui / "ComfyUI" / "main.py").is_file():
        comfyui /= "ComfyUI"  # the folder around a portable build
    version = read_version(comfyui)
    if not (comfyui / "main.py").is_file() or version is None:
        raise Problem(
            f"{comfyui} is not a ComfyUI folder: it lacks main.py or comfyui_version.py. Pass the folder that holds "
            "main.py with --comfyui PATH."
        )
    tried = []
    for candidate in [_absolute(python)] if python else _candidates(comfyui):
        reason = _why_unfit(candidate)
        if reason is None:
            return Host(comfyui, candidate, version, private=False)
        tried.append(f"    {candidate}: {reason}")
    raise Problem(
        f"found ComfyUI {version} in {comfyui}, but no Python that runs it. Tried:\n"
        + "\n".join(tried)
        + "\nPass the Python that you start ComfyUI with: --python EXECUTABLE"
    )


def missing_modules(host: Host, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these modules the host's Python does not have."""
    code = "import importlib.util as u, sys; print(*(m for m in sys.argv[1:] if u.find_spec(m) is None))"
    result = subprocess.run([str(host.python), "-c", code, *modules], capture_output=True, text=True, check=False)
    return tuple(result.stdout.split()) if result.returncode == 0 else modules


def _candidates(comfyui: Path) -> Iterator[Path]:
    inside = "Scripts/python.exe" if processes.WINDOWS else "bin/python"
    yield comfyui / "venv" / inside
    yield comfyui / ".venv" / inside
    if processes.WINDOWS:
        yield comfyui.parent / "python_embeded" / "python.exe"  # spelled so in the portable build
    yield Path(sys.executable)


def _absolute(python: str) -> Path:
    # Not resolved: a virtual environment's Python is a link whose place matters.
    path = home_path(Path(python))
    return path if path.is_absolute() else Path.cwd() / path


def _why_unfit(python: Path) -> str | None:
    if not python.is_file():
        return "does not exist"
    try:
        result = subprocess.run([str(python), "-c", PROBE], capture_output=True, text=True, timeout=180, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run ({error})"
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1] if lines else f"ended with exit status {result.returncode}"
