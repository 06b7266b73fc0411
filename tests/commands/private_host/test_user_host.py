"""Finding the Python that belongs to the user's own ComfyUI."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.commands.private_host import host
from armature_pack.commands.private_host.host import Host, find_user_host, missing_modules, read_version
from armature_pack.commands.private_host.host_options import host_with_test_tools
from armature_pack.commands.terminal import Problem
from armature_pack.tests.commands.private_host.fake_host import write_comfyui

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for Python are shell scripts")


@pytest.fixture(autouse=True)
def quick_probe(monkeypatch):
    monkeypatch.setattr(host, "PROBE", "import json")


def fake_python(path: Path, *, works: bool = True) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit {0 if works else 1}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["venv", ".venv"])
def test_takes_the_environment_inside(tmp_path, name):
    comfyui = write_comfyui(tmp_path / "ComfyUI")
    python = fake_python(comfyui / name / "bin" / "python")
    assert find_user_host(comfyui) == Host(comfyui, python, "0.30.0", private=False)


def test_passes_over_a_broken_environment(tmp_path):
    comfyui = write_comfyui(tmp_path / "ComfyUI", "0.24.0")
    fake_python(comfyui / "venv" / "bin" / "python", works=False)
    host = find_user_host(comfyui)
    assert host.python == Path(sys.executable) and host.version == "0.24.0"


def test_portable_build(tmp_path, monkeypatch):
    comfyui = write_comfyui(tmp_path / "portable" / "ComfyUI")
    python = fake_python(tmp_path / "portable" / "python_embeded" / "python.exe")
    monkeypatch.setattr("armature_pack.commands.private_host.processes.WINDOWS", True)
    assert find_user_host(tmp_path / "portable").python == python
    assert find_user_host(comfyui).comfyui == comfyui


def test_a_python_of_the_user_s_choice(tmp_path, monkeypatch):
    comfyui = write_comfyui(tmp_path / "ComfyUI")
    python = fake_python(tmp_path / "mine" / "python")
    monkeypatch.chdir(tmp_path)
    assert find_user_host(comfyui, "mine/python").python == python
    with pytest.raises(Problem, match=r"other/python: does not exist"):
        find_user_host(comfyui, "other/python")


def test_tells_what_was_tried(tmp_path, monkeypatch):
    comfyui = write_comfyui(tmp_path / "ComfyUI")
    fake_python(comfyui / ".venv" / "bin" / "python", works=False)
    monkeypatch.setattr(host, "PROBE", "import no_such_module")
    with pytest.raises(Problem) as caught:
        find_user_host(comfyui)
    message = str(caught.value)
    assert "/venv/bin/python: does not exist" in message
    assert "/.venv/bin/python: ModuleNotFoundError: No module named 'torch'" in message
    assert f"{sys.executable}: ModuleNotFoundError: No module named 'no_such_module'" in message
    assert "--python EXECUTABLE" in message


def test_not_a_comfyui_folder(tmp_path):
    with pytest.raises(Problem, match=r"not a ComfyUI folder.*--comfyui PATH"):
        find_user_host(tmp_path)


def test_missing_modules(tmp_path):
    host = Host(tmp_path, Path(sys.executable), "1", private=False)
    assert missing_modules(host, ("json", "no_such_module")) == ("no_such_module",)


def test_missing_test_tools_are_named_as_their_packages(tmp_path):
    comfyui = write_comfyui(tmp_path / "ComfyUI")
    python = fake_python(comfyui / "venv" / "bin" / "python")
    python.write_text("#!/bin/sh\necho xdist importlinter\n")
    with pytest.raises(Problem, match=r"lacks .* xdist, importlinter,.*\n.*-m pip install pytest-xdist import-linter$"):
        host_with_test_tools(argparse.Namespace(comfyui=comfyui, python=None))


def test_host_travels_through_the_environment(tmp_path):
    host = Host(tmp_path / "a b", tmp_path / "ü" / "python", "0.30.0", private=True)
    environment = host.environment()
    assert Host.from_environment(environment) == host
    assert environment["ARMATURE_COMFYUI"] == str(tmp_path / "a b")
    assert read_version(tmp_path) is None


@pytest.mark.parametrize("private", [True, False])
def test_a_host_of_ours_keeps_compiled_modules_where_nobody_else_looks(tmp_path, private):
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "some_module.py").write_text("VALUE = 1", encoding="utf-8")
    host = Host(tmp_path / "host" / "ComfyUI", Path(sys.executable), "0.30.0", private=private)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"} | host.environment()
    subprocess.run([sys.executable, "-c", "import some_module"], cwd=sources, env=environment, check=True)
    assert bool(list((tmp_path / "host").rglob("some_module*.pyc"))) == private
    assert list(sources.rglob("*.pyc")) == []
