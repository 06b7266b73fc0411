"""What is said of a training set before hours are spent on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from armature_pack.models.training.folder import read_folder
from armature_pack.models.training.look import look_at
from armature_pack.models.training.store import Store
from armature_pack.models.training.training_set import Wanted, training_set
from PIL import Image, ImageFilter
from training_pictures import colours, edges, folder_of, save, write


def told(folder: Path, wanted: Wanted | None = None) -> str:
    one = training_set("set", read_folder(folder), wanted or Wanted(64, maps="none"), Store(folder.parent / "cache"))
    return "\n".join(look_at(one))


def test_nothing_is_said_of_a_sound_set(tmp_path):
    assert told(folder_of(tmp_path / "set", 12)) == ""


@pytest.mark.parametrize(("count", "words"), [(1, "one picture only"), (4, "4 pictures are few")])
def test_too_few(tmp_path, count, words):
    assert words in told(folder_of(tmp_path / "set", count))


def test_too_few_for_a_control(tmp_path):
    folder = folder_of(tmp_path / "set", 12, maps=True)
    assert "few for a control" in told(folder, Wanted(64))


def test_doubles_are_named(tmp_path):
    folder = folder_of(tmp_path / "set", 12)
    write(folder / "21.txt", "copy")
    save(colours(3), folder / "20.png")
    colours(4, 480, 480).save(folder / "21.jpg", quality=85)
    (folder / "22.png").write_bytes((folder / "5.png").read_bytes())
    line = next(line for line in told(folder).splitlines() if "more than once" in line)
    assert "3.png = 20.png" in line and "4.png = 21.jpg" in line and "5.png = 22.png" in line and "6.png" not in line


def test_a_picture_that_is_named_twice_for_two_captions_is_no_double(tmp_path):
    folder = folder_of(tmp_path / "set", 10)
    lines = [
        f'{{"file_name": "{number}.png", "text": "{number} {way}"}}' for number in range(1, 11) for way in ("a", "b")
    ]
    write(folder / "metadata.jsonl", "\n".join(lines))
    assert "more than once" not in told(folder)


def test_blurred_blank_and_small_pictures_are_named(tmp_path):
    folder = folder_of(tmp_path / "set", 12)
    save(colours(30).filter(ImageFilter.GaussianBlur(8)), folder / "30.png")
    save(Image.new("RGB", (96, 96), (200, 20, 20)), folder / "31.png")
    save(colours(32, 40, 40), folder / "32.png")
    said = told(folder)
    assert "Blurred beside the others: 30.png." in said
    assert "of one single colour: 31.png." in said
    assert "enlarged more than 1.5 times: 32.png." in said


def test_captions_that_are_missing_or_alike(tmp_path):
    folder = folder_of(tmp_path / "set", 12)
    (folder / "7.txt").unlink()
    assert "Without a caption: 7.png." in told(folder)
    for number in range(1, 13):
        write(folder / f"{number}.txt", "a cup")
    assert 'All captions are alike ("a cup")' in told(folder)
    assert (
        told(folder, Wanted(64, "one for all", "a cup", "none")) == told(folder, Wanted(64, "empty", "", "none")) == ""
    )
    for number in range(1, 13):
        (folder / f"{number}.txt").unlink()
    assert "No picture has a caption" in told(folder)


def test_maps_that_are_blank_wrong_or_of_another_aspect(tmp_path):
    folder = folder_of(tmp_path / "set", 12, maps=True)
    save(Image.new("L", (96, 96)), folder / "maps" / "2.png")
    save(edges(3, 96, 48), folder / "maps" / "3.png")
    save(colours(4).filter(ImageFilter.GaussianBlur(3)), folder / "maps" / "4.png")
    (folder / "maps" / "5.png").write_bytes((folder / "5.png").read_bytes())
    said = told(folder, Wanted(64))
    assert "Blank maps, of one single colour, of 2.png." in said
    assert "cut apart from it, of 3.png." in said
    assert "The map is the picture itself: 5.png." in said
    wrong = [line for line in said.splitlines() if "Maps of" in line and "not like" in line]
    assert any("4.png" in line for line in wrong) and any("5.png" in line for line in wrong), said
    assert not any("1.png" in line.partition(":")[2].split(":")[0] for line in wrong)


def test_many_files_are_counted_after_the_first_five(tmp_path):
    folder = folder_of(tmp_path / "set", 12, captions=False)
    write(folder / "1.txt", "one")
    assert "Without a caption: 2.png, 3.png, 4.png, 5.png, 6.png and 6 more." in told(folder)
