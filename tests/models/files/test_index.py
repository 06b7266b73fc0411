"""The index: names, the cache, what is refused, and how little is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from armature_pack.models.files import index as index_module
from armature_pack.models.files.container import read_any_header
from armature_pack.models.files.index import ModelIndex, forget, standard_folders
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file


@pytest.fixture
def models(tmp_path) -> Path:
    forget()
    write_file(tmp_path / "loras" / "sub" / "style.safetensors", networks.lora("sd15"))
    write_file(tmp_path / "controlnet" / "depth.safetensors", networks.controlnet("sd15"))
    write_file(tmp_path / "t2i_adapter" / "light.safetensors", {"body.0.in_conv.weight": (80, 192, 1, 1)})
    write_file(tmp_path / "loras" / "is_a_vae.safetensors", networks.vae(4))
    (tmp_path / "loras" / "readme.txt").write_text("no model")
    (tmp_path / "loras" / "broken.safetensors").write_bytes(b"x")
    return tmp_path


def test_files_with_what_they_are(models):
    found = {(file.folder, file.name): file for file in ModelIndex(standard_folders(models)).files()}
    assert set(found) >= {("loras", "sub/style.safetensors"), ("controlnet", "light.safetensors")}
    assert ("loras", "readme.txt") not in found
    assert found["loras", "sub/style.safetensors"].identity.families == ("sd15",)
    assert found["loras", "is_a_vae.safetensors"].misplaced == "vae"
    assert found["controlnet", "depth.safetensors"].misplaced == ""
    assert "broken.safetensors" in found["loras", "broken.safetensors"].problem


def test_a_file_is_read_again_only_when_it_changes(models, monkeypatch):
    read: list[str] = []
    monkeypatch.setattr(
        index_module, "identify_file", lambda path, do=index_module.identify_file: read.append(path.name) or do(path)
    )
    index = ModelIndex(standard_folders(models))
    first = list(index.files())
    assert len(read) == len(first)
    assert list(index.files()) == first and len(read) == len(first)
    path = write_file(models / "loras" / "is_a_vae.safetensors", networks.vae(16))
    os.utime(path, ns=(1, 1))
    (changed,) = (file for file in index.files(["loras"]) if file.name == "is_a_vae.safetensors")
    assert changed.identity.traits["latent_channels"] == 16 and len(read) == len(first) + 1


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "a/../../x", "/etc/passwd", "..\\x", "C:\\x.safetensors", "a\0b"]
)
def test_names_that_lead_out_are_refused(models, name):
    with pytest.raises(ValueError, match="leads out"):
        ModelIndex(standard_folders(models)).find("loras", name)


def test_names_are_spelt_as_the_host_lists_them(models):
    index = ModelIndex(standard_folders(models))
    own, foreign = ("sub/style.safetensors", "sub\\style.safetensors")[:: 1 if os.sep == "/" else -1]
    assert index.find("loras", own) is not None and index.find("loras", foreign) is None
    assert index.respelt("loras", foreign) == own and index.respelt("loras", own) is None
    assert index.find("loras", f"sub{os.sep}{os.sep}style.safetensors") is None


def test_missing_names(models):
    index = ModelIndex(standard_folders(models))
    assert index.find("loras", "nothing.safetensors") is None
    assert index.find("nowhere", "nothing.safetensors") is None
    assert index.find("loras", "x" * 5000) is None


def test_a_link_in_a_circle_ends(models):
    (models / "loras" / "again").symlink_to(models / "loras", target_is_directory=True)
    assert list(ModelIndex(standard_folders(models)).files(["loras"]))


def test_only_the_header_is_read(models):
    path = write_file(models / "checkpoints" / "base.safetensors", networks.checkpoint("sd15"))
    header = read_any_header(path)
    assert header.bytes_read < 400_000 < 1_000_000_000 < path.stat().st_size
