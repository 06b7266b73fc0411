"""The record of one usable ComfyUI and the Python that runs it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
