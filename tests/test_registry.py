"""The archive that the registry gets: what is in it, that it is whole, and what the registry's own tools say of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from armature_pack.commands.private_host.server import start_server
from armature_pack.tests.registry_imports import missing_imports
from armature_pack.tests.registry_offer import offer
from armature_pack.tests.registry_tools import needs_registry_tools, run_tool, shown_at_the_end
from armature_pack.tests.server_fixture import ONE_THREAD, PACK, find_host

pytestmark = needs_registry_tools

ROOT = Path(__file__).resolve().parent.parent
HOST = Path(os.environ["ARMATURE_COMFYUI"])
MOST_BYTES = 25_000_000  # of the archive; the demo model's weights may be 12 MB of them
NEEDED = [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "__init__.py",
    "armature.py",
    "install.py",
    "pyproject.toml",
    "requirements.txt",
    "web/js/desk.js",
    "web/docs/ArmatureControlMap.md",
    "workflows/control_signal.json",
    "workflows/control_signal.jpg",
    "locales/de/nodeDefs.json",
    "workflows/api/control_signal.json",
    "workflows/training",
    "commands/serve.py",
    "models/demo/export.py",
]
LEFT_OUT = [
    "tests/conftest.py",
    ".ci",
    ".github",
    "CONTRIBUTING.md",
    "workflows/layout",
    "subgraphs/source",
    "tools",
]


def git(*arguments: str, cwd: Path) -> None:
    """git with no settings but ours."""
    name = ("-c", "user.name=armature", "-c", "user.email=armature@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", *name, *arguments], cwd=cwd, check=True, capture_output=True)


def repository_of(source: Path, names: list[str], folder: Path) -> None:
    """A git repository with copies of these files, all committed."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
    git("init", "-q", cwd=folder)
    git("add", "--all", "--force", cwd=folder)
    git("commit", "-q", "-m", "all", cwd=folder)


@dataclass(frozen=True)
class Archive:
    """`packed`: the file; `folder`: what is in it, unpacked; `home`: stands for the user's folder."""

    packed: Path
    folder: Path
    home: Path


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    """`comfy node pack` on a copy of the checkout: it writes beside what it packs, and reads what git tracks."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("comfy-cli packs what git tracks: needs git and a checkout")
    base = tmp_path_factory.mktemp("registry")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    repository_of(ROOT, [name for name in tracked.split("\0") if name and (ROOT / name).is_file()], base / "checkout")
    run_tool("comfy", "--skip-prompt", "node", "pack", home=base, cwd=base / "checkout")
    (packed,) = (base / "checkout").glob("*.zip")
    with zipfile.ZipFile(packed) as file:
        file.extractall(base / "custom_nodes" / "armature")
    return Archive(packed, base / "custom_nodes" / "armature", base)


def test_the_registry_accepts_the_node(archive, record_property):
    told = run_tool("comfy", "--skip-prompt", "node", "validate", home=archive.home, cwd=archive.packed.parent)
    clean = "Running security checks" in told and "rror" not in told and "arning" not in told
    shown_at_the_end(record_property, "comfy-cli", f"node validate: {'no error, no warning' if clean else 'see above'}")
    assert clean, told


def test_the_archive_holds_what_users_need_and_nothing_else(archive, record_property):
    files = sum(path.is_file() for path in archive.folder.rglob("*"))
    size = archive.packed.stat().st_size
    shown_at_the_end(record_property, "comfy-cli", f"node pack: {files} files, {size / 1e6:.1f} MB packed")
    assert all((archive.folder / name).exists() for name in NEEDED)
    assert not [name for name in LEFT_OUT if (archive.folder / name).exists()]
    assert {path.name for path in (archive.folder / "tests").rglob("*") if path.is_file()} == {"RESULTS.md"}
    assert size < MOST_BYTES


@pytest.mark.host
def test_the_archive_in_a_fresh_host_gives_the_same_as_the_checkout(archive, server):
    """Nodes with all their words, help pages with their pictures, scripts, templates and translations."""
    fresh = start_server(find_host(), pack=archive.folder, base_directory=archive.home, environment=ONE_THREAD)
    with fresh:
        packed = offer(fresh.address, archive.folder.name)
    assert all(packed.values())
    whole = offer(server.address, PACK.name)
    for part, found in whole.items():
        assert packed[part] == found, part


def test_nothing_in_the_archive_imports_what_is_missing(archive):
    assert missing_imports(archive.folder) == []


def test_the_pages_of_the_archive_refer_to_files_in_it(archive):
    for page in (archive.folder / "README.md", *(archive.folder / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / unquote(link)).exists(), f"{page.name}: {link}"


@pytest.mark.parametrize(
    ("command", "status", "words"), [("--help", 0, "serve"), ("test", 2, "holds no tests"), ("graphs", 2, "developers")]
)
def test_the_archive_s_front_door_knows_what_is_not_there(archive, command, status, words):
    line = [sys.executable, str(archive.folder / "armature.py"), command]
    result = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == status and words in result.stdout + result.stderr


@dataclass(frozen=True)
class Allowed:
    """Findings of nodesafe that stand; docs/registry.md says why. `title` and `file` are patterns of the whole text."""

    title: str
    file: str = ".*"


STANDING = (
    # Parts of words: re.compile(, network.eval(. Ruff and test_house.py see to it that there are no others.
    Allowed(r"code_execution: pattern `(compile|eval)\(` matched"),
    Allowed(r".*`importlib\.import_module`.*", r"(commands|preprocessors|models)/.*"),
    # Starting ComfyUI, pip and git is what the commands are for. No node does any of it.
    Allowed(r".*`(subprocess\.|os\.exec).*", r"commands/.*|install\.py"),
    Allowed(r".*(lzma\.decompress|decoder chain).*", r"commands/batch/ray/actor\.py"),
    Allowed(r".*`/etc/systemd/system/`.*", r"docs/server\.md"),
    Allowed(r"Possible typosquat: `httpx?(core)?2`.*", r"commands/.*requirements\.txt"),
)


def stands(finding: Mapping[str, Any]) -> bool:
    return any(
        re.fullmatch(one.title, finding["title"]) and re.fullmatch(one.file, finding["file"].replace("\\", "/"))
        for one in STANDING
    )


def test_nodesafe_finds_nothing_that_is_not_explained(archive, record_property):
    # Its own exit status is that of a verdict for which one "re.compile(" is enough.
    scan = ("scan", "--format", "json", "--fail-on", "none", archive.folder)
    told = json.loads(run_tool("nodesafe", *scan, home=archive.home, cwd=archive.home))
    grave = [finding for finding in told["findings"] if finding["severity"] in ("critical", "high")]
    critical = [finding for finding in grave if finding["severity"] == "critical"]
    unexplained = [(one["file"], one["line"], one["title"]) for one in grave if not stands(one)]
    counts = f"{len(critical)} critical findings, {len(grave) - len(critical)} high"
    shown_at_the_end(
        record_property, "nodesafe", f"scan: {counts}, {len(unexplained)} without a reason in docs/registry.md"
    )
    assert not critical and not unexplained


def test_all_that_is_taken_from_the_host_is_there(archive, record_property):
    """comfy-import-guard reads the host out of a git repository: here one of the host that the tests run in."""
    clone = archive.home / "guard" / "ComfyUI"
    parts = ("comfy", "comfy_api", "comfy_execution", "comfy_extras", "app", "utils", "api_server", "middleware")
    files = [*HOST.glob("*.py"), *(file for part in parts for file in (HOST / part).rglob("*.py"))]
    repository_of(HOST, [file.relative_to(HOST).as_posix() for file in files], clone)
    where = ("--offline", "--json", "--cache-dir", clone.parent)
    what = ("check", "--comfy-dir", archive.home, "--target", "HEAD")
    told = json.loads(run_tool("comfy-import-guard", *where, *what, home=archive.home, cwd=archive.home))
    (pack,) = told["packs"]
    shown_at_the_end(
        record_property, "comfy-import-guard", f"check: {pack['verdict']}, {pack['references']} references"
    )
    assert pack["verdict"] == "SAFE" and pack["references"] > 100, pack
