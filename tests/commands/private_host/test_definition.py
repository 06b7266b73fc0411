"""The key of a private host: every ingredient counts, nothing else does."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from armature_pack.commands.private_host import requirements
from armature_pack.commands.private_host.definition import DEFAULT, RELEASES, Definition, Request, define, find_release
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.commands.terminal import Problem


@pytest.mark.parametrize("ingredient", [field.name for field in fields(Definition)])
def test_every_ingredient_changes_the_key(ingredient):
    base = define(Request())
    assert replace(base, **{ingredient: 99 if ingredient == "layout" else "other"}).key != base.key


def test_same_ingredients_same_key():
    assert define(Request()).key == define(Request(DEFAULT, "archive", "")).key
    assert define(Request()).key.startswith("0.30.0-")


def test_choices_change_the_key():
    requests = [Request(release) for release in RELEASES]
    requests += [Request(source="git"), Request(source="git+/some/where"), Request(torch_index="https://x.invalid/cpu")]
    assert len({define(request).key for request in requests}) == len(requests)


def test_pins_change_the_key_but_test_tools_do_not(tmp_path, monkeypatch):
    original = requirements.FILE.read_text()
    keys = {}
    for name, old, new in (
        ("same", "", ""),
        ("host", "aiohttp==3.14.5", "aiohttp==3.14.4"),
        ("torch", "torch==2.13.0", "torch==2.12.0"),
        ("test", "pytest==9.2.0", "pytest==9.1.0"),
    ):
        assert old in original
        file = tmp_path / f"{name}.txt"
        file.write_text(original.replace(old, new, 1) if old else original)
        monkeypatch.setattr(requirements, "FILE", file)
        keys[name] = define(Request()).key
    assert keys["same"] == keys["test"] and len(set(keys.values())) == 3


def test_unknown_source_and_release():
    with pytest.raises(Problem, match="archive, git"):
        Request(source="ftp")
    with pytest.raises(Problem, match=r"0.16.3.*0.30.0.*--comfyui"):
        find_release("0.1.0")
    assert Request(source="git").repository.endswith("/ComfyUI")
    assert Request(source="git+https://x.invalid/a.git").repository == "https://x.invalid/a.git"


def test_cache_folder_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path.resolve()
    monkeypatch.delenv("ARMATURE_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "armature"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "armature"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "armature"
