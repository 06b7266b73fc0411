"""The rules of the house that a machine can check: lint, format, types, what loading imports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.commands.private_host.requirements import TEST, section

ROOT = Path(__file__).resolve().parent.parent
HOST = Path(os.environ["ARMATURE_COMFYUI"])


# The type checker runs on Node.js. With less than this it spends nearly half its time on looking for memory to free.
_MEMORY = {"NODE_OPTIONS": "--max-old-space-size=4096"}


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-m", *arguments], {**os.environ, **_MEMORY}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")])
def test_ruff(arguments):
    result = tool("ruff", *arguments, "--no-cache", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_pre_commit_runs_the_ruff_of_the_tests():
    (version,) = re.findall(r"rev: v(\S+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert f"ruff=={version}" in section(TEST)


def test_types(tmp_path):
    """The settings are those of pyproject.toml; only the place of the host, which differs per machine, is added."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    settings["include"] = [str(ROOT / entry) for entry in settings["include"]]
    settings["extraPaths"] = [str(HOST)]
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings), encoding="utf-8")
    result = tool("basedpyright", "-p", str(project), "--pythonpath", sys.executable)
    assert result.returncode == 0, result.stdout


def test_loading_the_pack_imports_nothing_optional_and_nothing_slow():
    """Measured in a fresh process after what the host itself has imported by then."""
    script = f"""
import sys, json, importlib.util
sys.path.insert(0, {str(HOST)!r})
import comfy.cli_args; comfy.cli_args.args.cpu = True
import comfy_api.latest, comfy_api.v0_0_2, torch
before = set(sys.modules)
import asyncio, time
start = time.perf_counter()
spec = importlib.util.spec_from_file_location("pack", {str(ROOT / "__init__.py")!r}, submodule_search_locations=[{str(ROOT)!r}])
pack = importlib.util.module_from_spec(spec); sys.modules["pack"] = pack; spec.loader.exec_module(pack)
extension = asyncio.run(pack.comfy_entrypoint())
nodes = asyncio.run(extension.get_node_list())
seconds = time.perf_counter() - start
print(json.dumps([len(nodes), seconds, sorted(set(sys.modules) - before)]))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    count, _seconds, modules = json.loads(result.stdout.splitlines()[-1])
    assert count >= 6
    optional = {
        "cv2",
        "controlnet_aux",
        "transformers",
        "kornia",
        "skimage",
        "diffusers",
        "onnxruntime",
        "PIL",
        "scipy",
    }
    assert not optional & {name.partition(".")[0] for name in modules}
