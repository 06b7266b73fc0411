"""The means to make a host: its folders, its log, and pip with progress."""

import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..terminal import Step, Steps, readable_size
from . import processes
from .files import tree_size
from .host import keeping_compiled

AGAIN = "Then run the same command again; what pip downloaded is reused."
# Compiling everything takes longer than installing it, and most of it is never imported; Python compiles what is.
INSTALL_OPTIONS = ("--no-compile",)
UNITS = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
# Variables that would send the host's packages elsewhere, or other packages into the host. PIP_INDEX_URL and the like stay.
MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "__PYVENV_LAUNCHER__")


def clean_environment() -> dict[str, str]:
    """This process's environment without what would mislead a Python of its own."""
    return {name: value for name, value in os.environ.items() if name not in MISLEADING}


def environment_in(folder: Path) -> dict[str, str]:
    """The same for the Python of a host folder, which keeps there what it compiles."""
    return clean_environment() | keeping_compiled(folder)


@dataclass(frozen=True)
class Workshop:
    """One host folder being made. `lock` is the descriptor that every installer inherits, if there is a lock.

    `interpreter`: the Python that works here, where the folder gets no environment of its own.
    """

    folder: Path
    steps: Steps
    lock: int | None = None
    interpreter: Path | None = None

    @property
    def comfyui(self) -> Path:
        """Where ComfyUI goes."""
        return self.folder / "ComfyUI"

    @property
    def environment_folder(self) -> Path:
        """Where the virtual environment goes."""
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        """The virtual environment's Python, or the one that works in its place."""
        return self.interpreter or python_in(self.environment_folder)

    @property
    def log(self) -> Path:
        """The full log of all steps."""
        return self.folder / "log.txt"

    @property
    def scratch(self) -> Path:
        """Where downloads lie until they are unpacked."""
        return self.folder / "tmp"

    def run(self, step: Step, command: Sequence[str], advice: str, **environment: str) -> str:
        """Run a command of this step and return its output; see process.run."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        watcher = PipWatcher(step, self.scratch)
        variables = {**environment_in(self.folder), "PIP_USER": "0", "PYTHONUTF8": "1", **environment}
        # A folder of our own for temporary files: it shows how much has arrived, and a killed run leaves nothing behind.
        variables |= {"TMPDIR": str(self.scratch), "TEMP": str(self.scratch), "TMP": str(self.scratch)}
        return processes.run(
            command,
            log=self.log,
            advice=advice,
            environment=variables,
            observe=watcher.line,
            beat=watcher.beat,
            keep_open=() if self.lock is None else (self.lock,),
        )

    def pip(self, step: Step, *arguments: str, advice: str = AGAIN) -> str:
        """Run the host's pip with these arguments."""
        quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
        return self.run(step, [str(self.python), "-m", "pip", *arguments, *quiet], advice)

    def install(self, step: Step, lines: Iterable[str], *options: str) -> str:
        """Install requirement lines (markers allowed) with the host's pip."""
        with self.listed(lines) as file:
            return self.pip(step, "install", "-r", file, *INSTALL_OPTIONS, *options)

    def listed(self, lines: Iterable[str]) -> "TemporaryList":
        """A requirements file of these lines, as a context manager that gives its name."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return TemporaryList(self.scratch, lines)

    def ask(self, step: Step, code: str, advice: str = AGAIN) -> str:
        """The last line that a Python program prints in the host's Python."""
        step.note = "importing packages"
        return self.run(step, [str(self.python), "-c", code], advice).splitlines()[-1]


class TemporaryList:
    """A requirements file that lives as long as a `with` block."""

    def __init__(self, folder: Path, lines: Iterable[str]) -> None:
        descriptor, self._name = tempfile.mkstemp(".txt", "requirements-", folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")

    def __enter__(self) -> str:
        """Give the file's name."""
        return self._name

    def __exit__(self, *_error: object) -> None:
        """Delete the file."""
        Path(self._name).unlink()


class PipWatcher:
    """Turns pip's lines and the bytes in its temporary folder into the note and the counts of a step."""

    def __init__(self, step: Step, scratch: Path) -> None:
        self._step = step
        self._scratch = scratch
        self._doing = step.note

    def line(self, line: str) -> None:
        """Read one line of output."""
        download = re.search(r"(Downloading|Using cached|Processing) (\S+)(?: \(([\d.]+) (bytes|kB|MB|GB)\))?", line)
        if download and not download[2].endswith(".metadata"):
            verb, name, amount, unit = download.groups()
            if verb == "Downloading" and amount:
                self._step.downloaded += float(amount) * UNITS[unit]
            self._doing = f"{verb.lower()} {Path(name).name}" + (f" ({amount} {unit})" if amount else "")
        elif line.startswith("Installing collected packages:"):
            packages = line.count(",") + 1
            self._step.packages += packages
            self._doing = f"unpacking {packages} packages"

    def beat(self) -> None:
        """Refresh the note."""
        self._step.note = self._doing
        if self._doing.startswith("downloading"):
            self._step.note += f", {readable_size(tree_size(self._scratch))} so far"
        self._step.beat()


def python_in(environment_folder: Path) -> Path:
    """The Python of a virtual environment, whether it exists or not."""
    if processes.WINDOWS:
        return environment_folder / "Scripts" / "python.exe"
    return environment_folder / "bin" / "python"
