"""ComfyUI from a repository's tag: a local repository stands in for the official one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from armature_pack.commands.private_host.definition import Request, find_release
from armature_pack.commands.private_host.files import HOST_MARK
from armature_pack.commands.private_host.source import fetch
from armature_pack.commands.private_host.workshop import Workshop
from armature_pack.commands.terminal import Problem, Steps
from armature_pack.tests.commands.private_host.fake_host import write_comfyui
from armature_pack.tests.source_only import ensure_source

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose tag v0.30.0 is right and whose tag v0.27.0 holds another version."""
    folder = write_comfyui(tmp_path / "repository")
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
    for command in (
        ["init", "-q"],
        ["add", "."],
        [*identity, "commit", "-qm", "x"],
        ["tag", "v0.30.0"],
        ["tag", "v0.27.0"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "host"
    folder.mkdir()
    return Workshop(folder, Steps(1))


def test_takes_the_tag(tmp_path, repository, capsys):
    place = workshop(tmp_path)
    fetch(place, Request(source=f"git+{repository.as_uri()}"))
    assert (place.comfyui / "main.py").is_file()
    assert "Fetching ComfyUI 0.30.0" in capsys.readouterr().out


def test_another_version_is_refused(tmp_path, repository):
    with pytest.raises(Problem, match=r"says it is ComfyUI 0\.30\.0, not 0\.27\.0"):
        fetch(workshop(tmp_path), Request(find_release("0.27.0"), f"git+{repository.as_uri()}"))


@pytest.mark.parametrize("missing", ["tag", "repository"])
def test_unreachable_says_what_to_do(tmp_path, repository, missing):
    release = find_release("0.24.0" if missing == "tag" else "0.30.0")
    url = (repository if missing == "tag" else tmp_path / "nowhere").as_uri()
    with pytest.raises(Problem) as caught:
        fetch(workshop(tmp_path), Request(release, f"git+{url}"))
    message = str(caught.value)
    assert "git clone" in message and url in message and "exit status 128" in message
    assert "Leave out --source" in message and "log.txt" in message


def test_the_source_alone_is_fetched_once_and_again_when_half_made(tmp_path, repository, monkeypatch):
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "cache"))
    request = Request(source=f"git+{repository.as_uri()}")
    comfyui = ensure_source(request)
    (comfyui / "ours").touch()
    assert ensure_source(request) == comfyui and (comfyui / "ours").exists()
    assert sorted(entry.name for entry in comfyui.parent.iterdir()) == ["ComfyUI", HOST_MARK, "log.txt"]
    (comfyui.parent / HOST_MARK).unlink()
    assert ensure_source(request) == comfyui and not (comfyui / "ours").exists()
