"""A set of pictures: their sizes, their pixels, their maps, and what is kept on disk of it."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.models.training import store as store_file
from armature_pack.models.training.buckets import bucket_sizes
from armature_pack.models.training.folder import read_folder
from armature_pack.models.training.store import Store
from armature_pack.models.training.training_set import TrainingSet, Wanted, training_set
from armature_pack.preprocessors.registry import find_method
from PIL import Image
from training_pictures import colours, edges, folder_of, save, write

NO_MAPS = Wanted(64, maps="none")


def made(folder: Path, wanted: Wanted = NO_MAPS, store: Path | None = None) -> TrainingSet:
    return training_set(folder.name, read_folder(folder), wanted, Store(store or folder.parent / "cache"))


# Sizes and pictures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "step"), [(64, 32), (128, 32), (256, 64), (512, 64), (1024, 64)])
def test_buckets_are_of_one_area_and_of_whole_steps(size, step):
    sizes = bucket_sizes(size)
    assert (size, size) in sizes and all(side % step == 0 for bucket in sizes for side in bucket)
    assert all(0.5 <= width / height <= 2 for height, width in sizes)
    if size >= 256:
        assert all(0.75 < height * width / size**2 < 1.3 for height, width in sizes)


def test_each_picture_has_the_size_nearest_to_its_aspect(tmp_path):
    for number, size in enumerate(((100, 100), (200, 100), (100, 200), (900, 90), (120, 100))):
        save(colours(number, *size), tmp_path / "set" / f"{number}.png")
    one = made(tmp_path / "set", Wanted(512, maps="none"))
    assert one.sizes == ((512, 512), (384, 704), (704, 384), (384, 704), (448, 576))
    assert one.pictures([1, 3]).shape == (2, 384, 704, 3)
    with pytest.raises(ValueError, match="one size"):
        one.pictures([0, 1])


def test_a_picture_covers_its_size_and_its_middle_is_kept(tmp_path):
    wide = Image.new("RGB", (400, 100), (255, 0, 0))
    wide.paste((0, 0, 255), (100, 0, 300, 100))
    save(wide, tmp_path / "set" / "1.png")
    picture = made(tmp_path / "set", NO_MAPS).pictures([0])
    assert picture.shape == (1, 32, 64, 3)
    assert torch.equal(picture, torch.tensor((0.0, 0.0, 1.0)).expand_as(picture))


def test_pictures_are_turned_and_lie_on_white(tmp_path):
    upright = colours(1, 64, 128)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    (tmp_path / "set").mkdir()
    upright.rotate(90, expand=True).save(tmp_path / "set" / "1.png", exif=exif)
    save(upright, tmp_path / "set" / "2.png")
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    save(clear, tmp_path / "set" / "3.png")
    save(Image.fromarray(np.full((64, 64), 257 * 51, dtype=np.uint16)), tmp_path / "set" / "4.png")
    one = made(tmp_path / "set")
    assert one.sizes[0] == one.sizes[1] and torch.equal(one.pictures([0]), one.pictures([1]))
    assert one.pictures([2]).min() == 1
    assert torch.allclose(one.pictures([3]), torch.tensor(0.2))


# Maps -------------------------------------------------------------------------------------------------------------


def test_maps_of_the_folder_are_cut_like_their_pictures_and_stay_thin(tmp_path):
    folder = folder_of(tmp_path / "set", 2, maps=True)
    save(colours(3, 240, 240), folder / "3.png")
    save(edges(3, 240, 240), folder / "maps" / "3.png")
    save(colours(4), folder / "4.png")
    one = made(folder, Wanted(64))
    assert len(one) == 3 and any("4.png" in note for note in one.notes)
    maps = one.maps([0, 1, 2])
    assert maps.shape == (3, 64, 64, 3) and set(maps.unique().tolist()) == {0.0, 1.0}
    assert one.map_kind() in ("canny", "mlsd") and 0 < maps[2].mean() < 0.3


def canny(**options: Any) -> Wanted:
    return Wanted(64, entry=find_method("canny"), options=options)


def test_maps_of_a_method_are_made_once(tmp_path):
    folder = folder_of(tmp_path / "set", 2)
    runs = []
    entry = find_method("canny")

    def detect(pictures, options):
        runs.append(len(pictures))
        return entry.detect(pictures, options)

    wanted = Wanted(64, entry=replace(entry, detect=detect))
    first = made(folder, wanted).maps([0, 1])
    again = made(folder, wanted)
    assert torch.equal(again.maps([1, 0]), first.flip(0)) and len(runs) == 2
    assert again.map_kind() == "canny" and first.max() == 1
    made(folder, replace(wanted, options={"low_threshold": 10})).maps([0])
    made(folder, replace(wanted, size=128)).maps([0])
    assert len(runs) == 4


def test_a_set_without_maps_says_so(tmp_path):
    one = made(folder_of(tmp_path / "set", 1, maps=True))
    assert not one.has_maps and one.map_kind() == "" and one.examples[0].map is None
    with pytest.raises(ValueError, match="without maps"):
        one.maps([0])


# Keys -------------------------------------------------------------------------------------------------------------


def test_the_key_is_that_of_the_contents(tmp_path):
    folder = folder_of(tmp_path / "set", 2, maps=True)
    keys = {made(folder, wanted).key for wanted in (Wanted(64), NO_MAPS, Wanted(128), canny(), canny(low_threshold=7))}
    assert len(keys) == 5
    shutil.copytree(folder, tmp_path / "elsewhere" / "of another name")
    copied = made(tmp_path / "elsewhere" / "of another name", Wanted(64))
    before = made(folder, Wanted(64))
    assert copied.key == before.key and copied.picture_key(1) == before.picture_key(1)
    assert copied.map_key(1) == before.map_key(1) and before.map_key(0) != before.map_key(1)
    write(folder / "2.txt", "another caption")
    worded = made(folder, Wanted(64))
    save(edges(9), folder / "maps" / "2.png")
    drawn = made(folder, Wanted(64))
    assert len({before.key, worded.key, drawn.key}) == 3 and drawn.picture_key(1) == before.picture_key(1)


def test_defaults_count_as_if_they_were_given(tmp_path):
    folder = folder_of(tmp_path / "set", 1)
    default = next(one for one in find_method("canny").options if one.name == "low_threshold").default
    assert made(folder, canny()).key == made(folder, canny(low_threshold=default)).key


# Captions ---------------------------------------------------------------------------------------------------------


def test_captions_from_files_for_all_or_none(tmp_path):
    folder = folder_of(tmp_path / "set", 2)
    texts = {
        mode: [one.caption for one in made(folder, replace(NO_MAPS, captions=mode, caption=" a  cup ")).examples]
        for mode in ("from files", "one for all", "empty")
    }
    assert texts["from files"] == ["blocks, number 1", "blocks, number 2"]
    assert texts["one for all"] == ["a cup"] * 2 and texts["empty"] == [""] * 2
    with pytest.raises(ValueError, match="caption is empty"):
        made(folder, replace(NO_MAPS, captions="one for all"))


# Bad input --------------------------------------------------------------------------------------------------------


def test_what_is_no_picture_is_left_out_and_told(tmp_path):
    folder = folder_of(tmp_path / "set", 2, maps=True)
    write(folder / "1.png", "a text")
    (folder / "3.png").write_bytes((folder / "2.png").read_bytes()[:60])
    one = made(folder)
    assert [one.file_name(index) for index in range(len(one))] == ["2.png"]
    assert any("1.png is not a picture" in note and "3.png" in note for note in one.notes)
    write(folder / "maps" / "2.png", "a text")
    with pytest.raises(ValueError, match="none of its pictures can be used.*maps/2.png"):
        made(folder, Wanted(64))


def test_choices_that_cannot_be(tmp_path):
    folder = folder_of(tmp_path / "set", 1)
    for wanted, words in (
        (Wanted(64), "holds no maps"),
        (Wanted(63, maps="none"), "lies outside"),
        (Wanted(64, maps="other"), "is not one of"),
        (Wanted(64, captions="other", maps="none"), "is not one of"),
        (canny(unknown=1), "no option unknown"),
    ):
        with pytest.raises(ValueError, match=words):
            made(folder, wanted)


def test_a_file_that_goes_away_is_named(tmp_path):
    folder = folder_of(tmp_path / "set", 1)
    one = made(folder)
    (folder / "1.png").unlink()
    with pytest.raises(ValueError, match="1.png.*can no longer be read"):
        one.pictures([0])


# The store --------------------------------------------------------------------------------------------------------


def test_what_is_damaged_is_made_again(tmp_path):
    store, runs = Store(tmp_path / "deep" / "cache"), []

    def make() -> dict[str, torch.Tensor]:
        runs.append(1)
        return {"half": torch.ones(3, dtype=torch.bfloat16), "number": torch.tensor(7)}

    first = store.get("latent-1", make)
    assert (
        all(torch.equal(store.get("latent-1", make)[name], tensor) for name, tensor in first.items()) and len(runs) == 1
    )
    path = store.path("latent-1")
    for damaged in (b"", path.read_bytes()[:-1], b"no tensors at all"):
        path.write_bytes(damaged)
        store.get("latent-1", make)
    assert len(runs) == 4 and [file.name for file in store.folder.iterdir()] == [path.name]
    for key in ("../out", "", ".hidden", "a/b"):
        with pytest.raises(ValueError, match="name of a file"):
            store.get(key, make)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "The disk is full.*Make room"), (errno.EACCES, "written to")]
)
def test_what_a_disk_refuses_is_told(tmp_path, monkeypatch, number, words):
    def refuse(*_: Any) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(store_file, "write_safetensors", refuse)
    with pytest.raises(ValueError, match=words):
        Store(tmp_path).get("key", lambda: {"one": torch.ones(1)})
