"""Putting model files into models folders."""

import os
from pathlib import Path
from typing import Any, NoReturn

import pytest
from armature_pack.tests.model_links import link_model


def refuse(*_: Any) -> NoReturn:
    raise OSError("not here")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "store" / "net.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    return file


@pytest.mark.parametrize("refused", [(), ("symlink",), ("symlink", "link")])
def test_links_or_copies(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...]
) -> None:
    for way in refused:
        monkeypatch.setattr(os, way, refuse)
    folder = tmp_path / "models" / "controlnet"
    for _ in range(2):
        assert link_model(model, folder) == "net.safetensors"
        assert [entry.name for entry in folder.iterdir()] == ["net.safetensors"]
        assert (folder / "net.safetensors").read_bytes() == b"weights"
    assert (folder / "net.safetensors").is_symlink() == (not refused)


def test_replaces_a_stale_entry(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / model.name).symlink_to(tmp_path / "gone")
    link_model(model, folder)
    assert (folder / model.name).read_bytes() == b"weights"
    (folder / model.name).unlink()
    (folder / model.name).write_bytes(b"half")
    link_model(model, folder)
    assert (folder / model.name).read_bytes() == b"weights"
