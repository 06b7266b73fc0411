"""install.py leaves an OpenCV that is there alone, and asks pip for exactly one package where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.install import install

SCRIPT = Path(__file__).resolve().parent.parent / "install.py"
WANTED = [sys.executable, "-m", "pip", "install", "opencv-python-headless"]


class Runner:
    """Stands in for subprocess.run and remembers what it was asked to do."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.calls: list[tuple[list[str], bool]] = []

    def __call__(self, command: list[str], *, check: bool) -> subprocess.CompletedProcess:
        self.calls.append((command, check))
        return subprocess.CompletedProcess(command, self.status)


def test_as_the_manager_runs_it_an_opencv_that_is_there_is_not_touched(tmp_path: Path) -> None:
    # A stub that fails on import shows that the script only looks; a pip that fails shows that it is not called.
    (tmp_path / "cv2.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (tmp_path / "pip.py").write_text("raise RuntimeError('pip was called')", encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Armature: OpenCV is there already; nothing to install.\n"


def test_nothing_is_run_where_opencv_is_found() -> None:
    runner = Runner(0)
    assert install(find=lambda name: object() if name == "cv2" else None, run=runner)
    assert runner.calls == []


@pytest.mark.parametrize(
    ("status", "there", "says"), [(0, True, "is installed. Restart ComfyUI"), (1, False, "could not be installed")]
)
def test_a_missing_opencv_is_installed_by_one_exact_command(
    status: int, there: bool, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = Runner(status)
    assert install(find=lambda name: None, run=runner) is there
    assert runner.calls == [(WANTED, False)]
    said = capsys.readouterr().out
    assert says in said
    assert " ".join(WANTED) in said
