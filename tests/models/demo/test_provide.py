"""The demo's files go into the host's own model folders, and never over what is there."""

from __future__ import annotations

import errno

import pytest
from armature_pack.models.demo import export
from armature_pack.models.demo.provide import provide, table

INK = "armature_demo_ink.safetensors"  # the smallest


@pytest.fixture
def loras(tmp_path, monkeypatch):
    """Two folders for LoRAs, in the host's order; the second is there."""
    import folder_paths

    folders = [tmp_path / "first", tmp_path / "second"]
    folders[1].mkdir()
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(one) for one in folders], {".safetensors"}))
    return folders


def ink() -> dict[str, object]:
    return next(file for file in table()["files"] if file["name"] == INK)


def test_a_file_is_written_once_and_found(loras):
    import folder_paths

    assert ink() == {"name": INK, "folder": "loras", "megabytes": 6, "there": False}
    assert provide({"names": [INK]}) == {"written": [{"name": INK, "path": str(loras[1] / INK)}]}
    assert ink()["there"] and folder_paths.get_full_path("loras", INK) == str(loras[1] / INK)
    assert provide({"names": [INK]}) == {"written": []}
    assert list(loras[1].iterdir()) == [loras[1] / INK]  # what was written aside is gone


def test_a_file_of_the_users_stays(loras):
    loras[0].mkdir()
    (loras[0] / INK).write_bytes(b"mine")
    assert provide({"names": [INK]}) == {"written": []} and (loras[0] / INK).read_bytes() == b"mine"


def test_a_link_that_leads_nowhere_is_passed_over(loras):
    (loras[1] / INK).symlink_to(loras[1] / "gone")
    assert provide({"names": [INK]})["written"][0]["path"] == str(loras[0] / INK)
    assert (loras[1] / INK).is_symlink()


def test_folders_that_take_nothing_are_named(loras):
    loras[1].rmdir()
    for folder in loras:
        folder.write_text("no folder")
    with pytest.raises(ValueError, match="could not be written") as told:
        provide({"names": [INK]})
    assert all(str(folder) in str(told.value) for folder in loras) and "demo-models" in str(told.value)


def test_a_full_disk_is_told_with_what_is_needed(loras):
    def full(part):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ValueError, match="no space left; the file needs up to 6 MB"):
        provide({"names": [INK]}, full)
    assert list(loras[1].iterdir()) == []


@pytest.mark.parametrize("asked", [{"names": ["v1-5.safetensors"]}, {"names": []}, {"names": 3}, ["x"], "all"])
def test_other_files_are_not_to_be_had(loras, asked):
    with pytest.raises(ValueError, match="no file of the demo"):
        provide(asked)


def test_all_that_is_asked_for_is_of_the_demo():
    assert {file["name"] for file in table()["files"]} == {file.filename for file in export.FILES}
