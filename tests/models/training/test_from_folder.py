"""The node Training Folder: what it offers, refuses, shows and looks at again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from armature_pack.models.training.example_sets import EXAMPLES
from armature_pack.models.training.from_folder import fingerprint, folder_names
from armature_pack.nodes.training_folder import ArmatureTrainingFolder
from training_pictures import folder_of, write


def ran(folder: str, **inputs: Any) -> tuple[Any, ...]:
    return ArmatureTrainingFolder.execute(folder, size=64, **inputs).args


def test_folders_with_pictures_are_offered_to_the_second_depth(folders: Path):
    root = folders / "input"
    folder_of(root / "a" / "10_cat", 1, maps=True)
    folder_of(root / "b" / "c" / "d", 1)
    folder_of(root / ".hidden", 1)
    write(root / "texts" / "1.txt", "no picture")
    folder_of(root / "e", 1, maps=True)
    assert folder_names() == ["a", "a/10_cat", "b", "b/c", "e", *EXAMPLES]


@pytest.mark.parametrize(("name", "count"), zip(EXAMPLES, (12, 96, 12), strict=True))
def test_the_sets_that_come_with_the_pack_need_no_folder(folders: Path, name: str, count: int):
    chosen, sheet, report = ran(name, map="none", captions="one for all", caption="it")
    assert len(chosen) == count and f"{name}: {count} pictures" in report and sheet.shape[0] == 1
    assert fingerprint(name) == fingerprint(name) is not None


@pytest.mark.parametrize("name", ["..", ".", "", "../output", "set/../../output", "none", "/", "set/1.png"])
def test_what_is_no_folder_inside_the_input_folder_is_refused(folders: Path, name: str):
    folder_of(folders / "input" / "set", 1)
    folder_of(folders / "output", 1)
    with pytest.raises(ValueError, match="there is no folder"):
        ran(name, map="none")


def test_a_folder_that_a_person_has_linked_in_is_read(folders: Path):
    elsewhere = folder_of(folders / "elsewhere", 2)
    try:
        (folders / "input" / "linked").symlink_to(elsewhere, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert folder_names() == ["linked", *EXAMPLES] and len(ran("linked", map="none")[0]) == 2


def test_set_sheet_and_report(folders: Path):
    folder_of(folders / "input" / "set", 12)
    made, sheet, report = ran(
        "set", map={"map": "canny", "high_threshold": 190}, captions="one for all", caption="blocks"
    )
    assert made.method == "canny" and made.options["high_threshold"] == 190 and made.map_kind() == "canny"
    assert sheet.shape[0] == 1 and sheet.shape[3] == 3 and sheet.shape[1] > 4 * 192
    assert report.startswith("Warning: ") and "canny maps, made by Canny Edges" in report
    bare, sheet, _ = ran("set", map={"map": "none"})
    assert not bare.has_maps and bare.key != made.key and sheet.shape[1] < 4 * 192


def test_choices_of_maps_that_cannot_be(folders: Path):
    folder_of(folders / "input" / "set", 1)
    for choice in ("inpaint", "optical_flow", ["1", 0]):
        with pytest.raises(ValueError, match="Training Folder, input map"):
            ran("set", map=choice)
    with pytest.raises(ValueError, match="holds no maps"):
        ran("set")


def test_a_changed_file_is_seen(folders: Path):
    folder = folder_of(folders / "input" / "set", 2, maps=True)
    seen = {fingerprint("set")}
    for change in ("1.png", "2.txt", "maps/2.png"):
        os.utime(folder / change, ns=(1, 1))
        seen.add(fingerprint("set"))
    (folder / "1.txt").unlink()
    seen.add(fingerprint("set"))
    assert len(seen) == 5 and fingerprint("set") in seen and fingerprint(None) is None
