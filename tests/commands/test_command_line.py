"""The front door as a user meets it: real processes, every Python that is here."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from armature_pack.commands import COMMANDS, FRONT_DOOR, command_line, load
from armature_pack.commands.private_host.definition import Request, define
from armature_pack.common.file_lock import locked

PYTHONS = ["python3.10", "python3.11", "python3.12", "python3.13"]


def armature(*arguments: str, python: str = sys.executable, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(FRONT_DOOR), *arguments],
        capture_output=True,
        text=True,
        timeout=300,  # only bounds a hang
        env={**os.environ, **environment},
        check=False,
    )


def find_python(name: str) -> str | None:
    """The path of a working Python, on the PATH or among those that pyenv keeps."""
    kept = Path.home().glob(f".pyenv/versions/{name.removeprefix('python')}.*/bin/python3")
    for path in filter(None, (shutil.which(name), *map(str, kept))):
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


WITHOUT_HOST = ("fetch", "convert")  # commands of the standard library alone


@pytest.mark.parametrize("python", PYTHONS)
def test_help_of_everything(python):
    found = find_python(python)
    if not found:
        pytest.skip(f"{python} is not here")
    overview = armature("--help", python=found)
    assert overview.returncode == 0 and all(f"  {name} " in overview.stdout for name in COMMANDS)
    for name in COMMANDS:
        result = armature(name, "--help", python=found)
        assert result.returncode == 0, result.stderr
        assert f"usage: armature.py {name}" in result.stdout and not result.stderr
        assert ("--comfyui PATH" in result.stdout) == (name not in WITHOUT_HOST)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_complete(name):
    command = load(name)
    assert command.__doc__ and command.HELP and isinstance(command.NEEDS_HOST, bool) and callable(command.run)


def test_wrong_use():
    assert armature().returncode == 2
    unknown = armature("nope")
    assert unknown.returncode == 2 and "'nope'" in unknown.stderr and "serve" in unknown.stderr
    assert armature("host", "--nope").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["host", "--host", "9.9.9"], "no private host for ComfyUI 9.9.9"),
        (["serve", "--source", "ftp"], "choose archive"),
        (["demo", "--comfyui", "/no/such/folder"], "not a ComfyUI folder"),
        (["test", "--python", "python3"], "--python goes with --comfyui"),
        (["host", "--remove", "nothing"], "no host nothing"),
    ],
)
def test_problems_are_plain(arguments, told, tmp_path):
    result = armature(*arguments, ARMATURE_CACHE=str(tmp_path))
    assert result.returncode == 1 and told in result.stderr
    assert result.stderr.startswith("armature: ") and "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("*"))


def test_list_of_an_empty_cache(tmp_path):
    result = armature("host", "--list", ARMATURE_CACHE=str(tmp_path))
    assert result.returncode == 0 and str(tmp_path) in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_while_waiting(tmp_path, number, status):
    lock = tmp_path / "hosts" / f"{define(Request()).key}.lock"
    with locked(lock, lambda: None):
        process = subprocess.Popen(
            [sys.executable, str(FRONT_DOOR), "host"],
            env={**os.environ, "ARMATURE_CACHE": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr and "waiting" in process.stderr.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == status and "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_interrupt_while_a_step_runs(tmp_path):
    process = subprocess.Popen(
        [sys.executable, str(FRONT_DOOR), "host"],
        env={**os.environ, "ARMATURE_CACHE": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    while "[1/" not in process.stdout.readline():
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in errors
    (host,) = (tmp_path / "hosts").glob("*/")
    assert not (host / "complete.json").exists()


def test_unknown_arguments_go_on_in_order():
    command = load("test")
    for argv, rest in (
        (["tests/models", "-x", "-k", "canny"], ["tests/models", "-x", "-k", "canny"]),
        (["--host", "0.24.0", "-k", "a or b", "--maxfail=2"], ["-k", "a or b", "--maxfail=2"]),
        (["--", "-k", "canny", "--host", "x", "--", "y"], ["-k", "canny", "--host", "x", "--", "y"]),
        (["-x", "--", "-q"], ["-x", "-q"]),
        ([], []),
    ):
        arguments = command_line._parse("test", command, argv)
        assert arguments.rest == rest
    assert command_line._parse("test", command, ["-x", "--host", "0.24.0"]).host_version == "0.24.0"


def test_needs_host_runs_in_the_host_s_python(monkeypatch, tmp_path):
    became = []
    monkeypatch.setattr(command_line, "replace_process", lambda *given: became.append(given) or sys.exit(0))
    host = command_line.Host(tmp_path / "ComfyUI", tmp_path / "python", "0.30.0", private=True)
    monkeypatch.setattr(command_line, "host_from", lambda _arguments: host)
    with pytest.raises(SystemExit):
        command_line._dispatch(["demo", "--steps", "2"])
    command, environment = became[0]
    assert command == [str(host.python), str(FRONT_DOOR), "demo", "--steps", "2"]
    assert json.loads(environment["ARMATURE_HOST"])["comfyui"] == str(host.comfyui)
    for name in ("ARMATURE_HOST", command_line.INSIDE):
        monkeypatch.setenv(name, environment[name])
    ran = []
    monkeypatch.setattr(load("demo"), "run", lambda arguments: ran.append(arguments.steps) or 0)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert command_line._dispatch(["demo", "--steps", "2"]) == 0 and ran == [2] and len(became) == 1
    assert sys.path[0] == str(host.comfyui) and command_line.INSIDE not in os.environ


def test_an_old_python_gets_a_plain_message():
    source = FRONT_DOOR.read_text(encoding="ascii")
    assert not re.search(r"""\bf["']|:=|\bmatch\b|->|print\b""", source)
    code = f"import sys; sys.version_info = (3, 6, 1); sys.argv = ['armature.py', 'host']; exec({source!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "needs Python 3.10 to 3.13, but this is Python 3.6.1" in result.stderr
