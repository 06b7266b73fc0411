"""The steps of making a host that can be tried without installing anything."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from armature_pack.commands.private_host import build
from armature_pack.commands.private_host.host import Host
from armature_pack.commands.private_host.workshop import Workshop
from armature_pack.commands.terminal import Problem, Steps


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path, Steps(9, io.StringIO()))


def test_python_without_ensurepip(workshop, monkeypatch):
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(Problem, match=r"venv or ensurepip is missing(?s:.*)apt-get install python3\.\d+-venv"):
        build.make_environment(workshop)


@pytest.mark.parametrize("index", ["", "https://index.invalid/cpu"])
def test_extra_index_is_for_torch_alone(workshop, monkeypatch, index):
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(Workshop, "pip", lambda _self, _step, *arguments, **_: commands.append(arguments))
    monkeypatch.setattr(build, "repair_imports", lambda *_: None)
    plan = build.Plan(("numpy==1",), ("comfyui-frontend-package==1", "comfyui-workflow-templates==1"))
    build.install_torch(workshop, index)
    build.install_torch_companions(workshop, index)
    build.install_libraries(workshop, plan)
    build.install_exact(workshop, plan)
    assert [index in command for command in commands if index] == [True, True, False, False, False][: 5 * bool(index)]
    # torch and the templates bring their dependencies, nothing else may.
    assert ["--no-deps" in command for command in commands] == [False, True, True, True, False]


def test_imports_that_stay_broken_are_told(workshop, monkeypatch):
    answer = json.dumps({"failed": [["torchvision", "RuntimeError: x"]], "cpu": False, "packages": ""})
    monkeypatch.setattr(Workshop, "ask", lambda *_: answer)
    with workshop.steps.step("x") as step, pytest.raises(Problem, match="torchvision: RuntimeError: x"):
        build.repair_imports(workshop, step)


def test_what_is_imported_while_a_host_is_made_is_kept_compiled_for_its_first_start(workshop, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "some_module.py").write_text("VALUE = 1", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(sources)!r}); import some_module; print(some_module.VALUE)"
    with workshop.steps.step("x") as step:
        assert workshop.run(step, [sys.executable, "-c", code], "").splitlines()[-1] == "1"
    prefix = Host(workshop.comfyui, workshop.python, "0", private=True).environment()["PYTHONPYCACHEPREFIX"]
    assert list(Path(prefix).rglob("some_module*.pyc"))
