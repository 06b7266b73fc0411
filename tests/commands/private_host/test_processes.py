"""Running other programs: what a failure says, and that nothing is left running."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from armature_pack.commands.private_host import processes
from armature_pack.commands.private_host.processes import CommandFailed, run

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


def ends(pid: int) -> bool:
    """Whether a process that was told to end does so; on a busy machine that takes a while."""
    deadline = time.monotonic() + 60
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_output_log_and_lines(tmp_path):
    seen: list[str] = []
    output = run(
        [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"],
        log=tmp_path / "log",
        advice="",
        observe=seen.append,
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert sorted(output.split()) == sorted(seen) == ["err", "out"]
    assert "$ " in (tmp_path / "log").read_text() and "out\n" in (tmp_path / "log").read_text()


def test_failure_says_command_lines_advice_and_log(tmp_path):
    code = "for i in range(50): print('line', i)\nraise SystemExit(3)"
    with pytest.raises(CommandFailed) as caught:
        run([sys.executable, "-c", code, "an argument"], log=tmp_path / "the log", advice="Try something else.")
    message = str(caught.value)
    assert "exit status 3" in message and "'an argument'" in message
    assert "line 49" in message and "line 5\n" not in message
    assert "What to do: Try something else." in message and str(tmp_path / "the log") in message


def test_command_that_is_not_there(tmp_path):
    with pytest.raises(CommandFailed, match="could not be started"):
        run([str(tmp_path / "no such program")], log=tmp_path / "log", advice="Install it.")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("OSError: [Errno 28] No space left on device", "disk space"),
        ("ERROR: No matching distribution found for torch==2.13.0", "--comfyui PATH"),
        ("NewConnectionError: Failed to establish a new connection", "PIP_INDEX_URL"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the pinned one"),
        ("PermissionError: [Errno 13] Permission denied", "ARMATURE_CACHE"),
    ],
)
def test_known_failures_get_a_hint(line, hint):
    message = str(CommandFailed(["pip"], "exit status 1", line, "Then try again."))
    assert hint in message and message.endswith("Then try again.")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("way", ["stop_tree", "interrupt"])
def test_children_end_too(tmp_path, way):
    children: list[int] = []

    def stop_when_seen() -> None:
        if children:
            raise KeyboardInterrupt

    def note(line: str) -> None:
        children.append(int(line.split()[1]))

    if way == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            run([sys.executable, "-c", PARENT], log=tmp_path / "log", advice="", observe=note, beat=stop_when_seen)
    else:
        tree = processes.start_tree([sys.executable, "-c", PARENT], stdout=-1, text=True)
        note(tree.stdout.readline())
        processes.stop_tree(tree, grace=5)
        tree.stdout.close()
        assert tree.returncode is not None
    assert ends(children[0])
