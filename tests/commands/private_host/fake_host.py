"""A stand-in for the slow steps that make a host: a real virtual environment, but hardly anything in it.

Run as a program of its own by `run_builder`, so that tests can have several at once and kill them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VERSION = "0.30.0"


def write_comfyui(folder: Path, version: str = VERSION) -> Path:
    """Writes the two files by which a ComfyUI folder is known, and returns the folder."""
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("", encoding="utf-8")
    (folder / "comfyui_version.py").write_text(f'# made\n__version__ = "{version}"\n', encoding="utf-8")
    return folder


def quick_build(workshop, _request) -> dict[str, object]:
    """A builder for ensure_private_host: writes a line to the journal, waits for the file that the environment names."""
    journal = Path(os.environ["JOURNAL"])
    with journal.open("a", encoding="utf-8") as stream:
        stream.write(f"begin {os.getpid()}\n")
    with workshop.steps.step("Making a virtual environment") as step:
        workshop.run(
            step, [sys.executable, "-m", "venv", "--without-pip", str(workshop.environment_folder)], "look at the log"
        )
    write_comfyui(workshop.comfyui)
    gate = os.environ.get("BUILD_GATE")
    while gate and not Path(gate).exists():
        time.sleep(0.05)
    with journal.open("a", encoding="utf-8") as stream:
        stream.write(f"end {os.getpid()}\n")
    return {"torch": "none", "python": "3", "size": 1}


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import armature
armature.load_pack()
from armature_pack.commands.private_host.definition import Request
from armature_pack.commands.private_host.ensure import ensure_private_host
from armature_pack.tests.commands.private_host.fake_host import quick_build
host = ensure_private_host(Request(), builder=quick_build, probed=("json",))
print("ready", host.comfyui, flush=True)
"""


def run_builder(cache: Path, journal: Path, gate: Path | None = None) -> subprocess.Popen[str]:
    """Starts a process that ensures the host in `cache`; if it has to make it, it is not done before `gate` is there."""
    variables = {
        **os.environ,
        "ARMATURE_CACHE": str(cache),
        "JOURNAL": str(journal),
        "BUILD_GATE": str(gate or ""),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ROOT)],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
