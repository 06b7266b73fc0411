"""Which part of the pack may import which: the contracts in pyproject.toml, kept by this checkout, and no circle of files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACK = "armature_pack"
# The linter looks for a package by its name, and a checkout's folder has any name: so the package is named to it here.
# In a process of its own, because the linter sets up logging for all of it.
LINT = f"""
import sys
from importlib import util
folder, contracts = sys.argv[1:]
spec = util.spec_from_file_location("{PACK}", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["{PACK}"] = util.module_from_spec(spec)
from importlinter.cli import lint_imports
sys.exit(lint_imports(config_filename=contracts, no_cache=True, no_logo=True))
"""
WHOLE_LINES = "1000"  # the linter breaks its lines for a terminal of this width

# One import per contract that it must find, each in a file that only the copy has: (file, line, what is reported).
PLANTED = {
    "each part of the pack imports only what stands below it": (
        "runs/planted.py",
        "from .. import models",
        "runs.planted -> armature_pack.models",
    ),
    "preprocessors.images stands below all preprocessors": (
        "preprocessors/images/planted.py",
        "from .. import entry",
        "preprocessors.images.planted -> armature_pack.preprocessors.entry",
    ),
    "each part of models imports only what stands below it": (
        "models/files/planted.py",
        "from .. import control",
        "models.files.planted -> armature_pack.models.control",
    ),
    "one file of models reads the registry of preprocessors": (
        "models/lora/planted.py",
        "from ...preprocessors import registry",
        "models.lora.planted -> armature_pack.preprocessors.registry",
    ),
    "one file imports the host's node API": (
        "nodes/planted.py",
        "from comfy_api.latest import io",
        "nodes.planted -> comfy_api",
    ),
    "no circle of folders": ("tools/help/planted.py", "from .. import commands", ".help -> .commands"),
    "a batch needs neither torch nor ComfyUI": (
        "commands/batch/planted.py",
        "import numpy",
        "commands.batch.planted -> numpy",
    ),
    "the pack imports itself by relative imports only": (
        "preprocessors/planted.py",
        "import models",
        "preprocessors.planted -> models",
    ),
}


def lint(pack: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, str(pack), str(ROOT / "pyproject.toml")],
        cwd=pack,
        env={**os.environ, "COLUMNS": WHOLE_LINES, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_this_checkout_keeps_every_contract():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {f"{contract} KEPT" for contract in PLANTED} <= set(result.stdout.splitlines())
    assert " 0 broken" in result.stdout and f" {len(PLANTED)} kept" in result.stdout


@pytest.fixture(scope="module")
def report_on_a_spoilt_copy(tmp_path_factory) -> str:
    """What the linter says of a copy with one planted import per contract."""
    copy = tmp_path_factory.mktemp("layers") / "any-name"
    for part in ROOT.glob("*/__init__.py"):
        for file in part.parent.rglob("*.py"):
            target = copy / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    shutil.copyfile(ROOT / "__init__.py", copy / "__init__.py")
    for file, line, _reported in PLANTED.values():
        (copy / file).write_text(f"{line}\n", encoding="utf-8")
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_each_contract_finds_what_it_is_for(contract, report_on_a_spoilt_copy):
    assert f"{contract} BROKEN" in report_on_a_spoilt_copy.splitlines()
    assert PLANTED[contract][-1] in report_on_a_spoilt_copy


def imports(pack: str = PACK) -> dict[str, set[str]]:
    """Every module of the pack, and those of the pack that it imports."""
    graph = grimp.build_graph(pack, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_circle_of_files():
    """The contract about folders does not look at a package and what is in it."""
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_of_files_would_be_found(tmp_path, monkeypatch):
    package = tmp_path / "circling"
    package.mkdir()
    (package / "__init__.py").write_text("from . import kind\n", encoding="utf-8")
    (package / "kind.py").write_text("def find():\n    from .. import circling\n    from . import other\n")
    (package / "other.py").write_text("from . import kind\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CycleError):
        TopologicalSorter(imports("circling")).prepare()
