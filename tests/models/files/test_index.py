"""The index: names, the cache, what is refused, and how little is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from armature_pack.models.files import index as index_module
from armature_pack.models.files.container import read_any_header
from armature_pack.models.files.index import ModelIndex, NameSearch, forget, standard_folders
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


def test_links_in_circles_end(models):
    loras, before = models / "loras", names_in(models, "loras")
    for number in range(4):
        (loras / f"again {number}").symlink_to(loras, target_is_directory=True)
        (loras / "sub" / f"up {number}").symlink_to(models, target_is_directory=True)
    (loras / "itself").symlink_to("itself")
    assert set(before) <= set(found := names_in(models, "loras")) and len(found) < 100


def test_links_that_meet_again_and_again_end(models):
    """Each folder has two links to the next, thirteen deep: 8,192 ways to the last."""
    for number in range(13):
        (models / f"step {number}").mkdir()
        for name in ("a", "b"):
            (models / f"step {number}" / name).symlink_to(models / f"step {number + 1}", target_is_directory=True)
    (models / "step 13").mkdir()
    write_file(models / "step 13" / "last.safetensors", {"a": (1,)})
    assert 1 <= len(names_in(models, "step 0")) < 20


def test_links_out_of_the_folder_are_followed_as_the_host_does(models, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("another_disk")
    write_file(elsewhere / "far.safetensors", networks.lora("sd15"))
    (models / "loras" / "disk").symlink_to(elsewhere, target_is_directory=True)
    (models / "loras" / "file.safetensors").symlink_to(elsewhere / "far.safetensors")
    assert {"disk/far.safetensors", "file.safetensors"} <= set(names_in(models, "loras"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in folders")
def test_pipes_and_devices_are_no_files(models):
    os.mkfifo(models / "loras" / "pipe.safetensors")
    (models / "loras" / "zero.pt").symlink_to("/dev/zero")
    (models / "loras" / "gone.pt").symlink_to("nowhere")
    assert not {"pipe.safetensors", "zero.pt", "gone.pt"} & set(names_in(models, "loras"))
    assert ModelIndex(standard_folders(models)).find("loras", "pipe.safetensors") is None


def names_in(models: Path, folder: str) -> list[str]:
    return [file.name for file in ModelIndex(standard_folders(models)).files([folder])]


def test_only_the_header_is_read(models):
    path = write_file(models / "checkpoints" / "base.safetensors", networks.checkpoint("sd15"))
    header = read_any_header(path)
    assert header.bytes_read < 400_000 < 1_000_000_000 < path.stat().st_size


def test_many_names_are_found_where_each_alone_is(models):
    for folder, name in (("loras", "style.safetensors"), ("vae", "style.safetensors"), ("loras", "deep/down.gguf")):
        path = models / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (models / "vae" / "no_file.safetensors").mkdir()
    index = ModelIndex(
        {"loras": (models / "nowhere", models / "loras"), "vae": (models / "vae",), "clip": (models / "no",)}
    )
    names = [
        "style.safetensors",
        "no_file.safetensors",
        "../style.safetensors",
        "missing.safetensors",
        "x" * 5000,
        "deep\0.gguf",
        os.path.join("deep", "down.gguf"),  # noqa: PTH118 - as the host lists it
        os.path.join("deep", "style.safetensors"),  # noqa: PTH118
    ]
    alone = {name: NameSearch(index).folders_with(name) for name in names}
    assert alone[names[0]] == ["loras", "vae"]
    assert alone[names[6]] == ["loras"]
    assert not any(alone[name] for name in names[1:6] + names[7:])
    together = NameSearch(index)
    for _ in range(40):
        assert {name: together.folders_with(name) for name in names} == alone


def test_a_search_sees_a_file_that_goes_while_it_lasts(models):
    path = models / "loras" / "style.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    search = NameSearch(ModelIndex({"loras": (models / "loras",)}))
    for _ in range(40):
        assert search.folders_with(path.name) == ["loras"]
    path.unlink()
    assert search.folders_with(path.name) == []
