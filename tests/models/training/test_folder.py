"""Folders of training pictures in all the forms that people have, and what is said of those that are broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from armature_pack.models.training.folder import Found, read_folder
from training_pictures import write


def touch(folder: Path, *names: str) -> None:
    for name in names:
        write(folder / name, "")


def rows(folder: Path, found: Found | None = None) -> list[tuple[str, str | None, str, int]]:
    """(picture, map, caption, repeats) of each example."""
    return [
        (
            one.picture.relative_to(folder).as_posix(),
            one.map and one.map.relative_to(folder).as_posix(),
            one.caption,
            one.repeats,
        )
        for one in (found or read_folder(folder)).examples
    ]


def jsonl(path: Path, *lines: dict[str, str]) -> None:
    write(path, "\n".join(json.dumps(line) for line in lines))


# By names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maps", ["maps", "conditioning", "conditioning_images", "control"])
def test_texts_and_maps_are_paired_by_name_in_the_order_of_numbers(tmp_path, maps):
    touch(
        tmp_path,
        "10.png",
        "2.jpg",
        "1.webp",
        f"{maps}/2.png",
        f"{maps}/10.bmp",
        "notes.md",
        ".hidden.png",
        ".git/3.png",
    )
    write(tmp_path / "2.txt", "two\n lines ")
    write(tmp_path / "10.caption", "\ufeffmarked")
    assert rows(tmp_path) == [
        ("1.webp", None, "", 1),
        ("2.jpg", f"{maps}/2.png", "two lines", 1),
        ("10.png", f"{maps}/10.bmp", "marked", 1),
    ]


def test_nested_folders_have_their_maps_at_the_top_or_beside(tmp_path):
    touch(tmp_path, "a/1.png", "a/b/1.png", "c/1.png", "maps/a/1.png", "a/b/maps/1.png", "maps/c/2.png")
    found = read_folder(tmp_path)
    assert [row[:2] for row in rows(tmp_path, found)] == [
        ("a/1.png", "maps/a/1.png"),
        ("a/b/1.png", "a/b/maps/1.png"),
        ("c/1.png", None),
    ]
    assert any("maps/c/2.png" in note for note in found.map_notes) and any(
        "c/1.png" in note for note in found.map_notes
    )


def test_a_folder_of_pictures_beside_one_of_maps(tmp_path):
    touch(tmp_path, "images/1.png", "images/2.png", "conditioning_images/1.png", "conditioning_images/2.png")
    assert [row[1] for row in rows(tmp_path)] == ["conditioning_images/1.png", "conditioning_images/2.png"]


def test_a_map_that_two_pictures_claim_is_given_to_none(tmp_path):
    touch(tmp_path, "cats/1.png", "dogs/1.png", "cats/2.png", "maps/1.png", "maps/2.png")
    assert [row[1] for row in rows(tmp_path)] == [None, "maps/2.png", None]


def test_what_has_no_partner_is_told(tmp_path):
    touch(tmp_path, "1.png", "2.gif")
    write(tmp_path / "3.txt", "of nothing")
    notes = " ".join(read_folder(tmp_path).notes)
    assert "3.txt" in notes and "2.gif" in notes


# kohya ------------------------------------------------------------------------------------------------------------


def test_folders_named_for_repeats(tmp_path):
    touch(tmp_path, "10_sks cat/1.png", "10_sks cat/2.png", "2_dog/a/1.png", "2024_trip/1.png", "0_out/1.png")
    write(tmp_path / "10_sks cat" / "2.txt", "a cat on a roof")
    found = read_folder(tmp_path)
    assert rows(tmp_path, found) == [
        ("2_dog/a/1.png", None, "dog", 2),
        ("10_sks cat/1.png", None, "sks cat", 10),
        ("10_sks cat/2.png", None, "a cat on a roof", 10),
        ("2024_trip/1.png", None, "", 1),
    ]
    assert any("0_out/1.png" in note for note in found.notes)


# Metadata ---------------------------------------------------------------------------------------------------------


def test_metadata_names_pictures_captions_and_maps(tmp_path):
    touch(tmp_path, "img/1.png", "img/2.png", "img/3.png", "cond/1.png", "img/maps/2.png")
    write(tmp_path / "img" / "3.txt", "from the file")
    jsonl(
        tmp_path / "metadata.jsonl",
        {"file_name": "img\\1.png", "text": "one", "conditioning_image": "./cond/1.png"},
        {"file_name": "img/2.png", "caption": "two"},
        {"file_name": "img/3.png"},
        {"file_name": "img/4.png", "prompt": "absent"},
    )
    found = read_folder(tmp_path)
    assert rows(tmp_path, found) == [
        ("img/1.png", "cond/1.png", "one", 1),
        ("img/2.png", "img/maps/2.png", "two", 1),
        ("img/3.png", None, "from the file", 1),
    ]
    assert any("img/4.png (metadata.jsonl, line 4)" in note for note in found.notes)


def test_metadata_of_a_folder_inside_and_pictures_that_it_does_not_name(tmp_path):
    touch(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    write(tmp_path / "a" / "metadata.csv", '\ufefffile_name,text\r\n1.png,"one, and\r\nmore"\r\n')
    found = read_folder(tmp_path)
    assert [row[::2] for row in rows(tmp_path, found)] == [("a/1.png", "one, and more"), ("b/1.png", "")]
    assert any("a/2.png" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "not a JSON object"),
        ('["1.png"]', "not a JSON object"),
        ('{"text": "no file"}', "file_name"),
        ('{"file_name": "1.png", "text": ["a"]}', "not a text"),
        *(
            (json.dumps({"file_name": path}), "leaves the training folder")
            for path in ("../1.png", "/1.png", "C:\\1.png")
        ),
        (json.dumps({"file_name": "1.png", "conditioning_image": "a/../../1.png"}), "leaves the training folder"),
        ("[" * 100_000, "not a JSON object"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, words):
    touch(tmp_path, "1.png")
    write(tmp_path / "metadata.jsonl", '{"file_name": "1.png"}\n\n' + line)
    with pytest.raises(ValueError, match=f"metadata.jsonl, line 3.*{words}"):
        read_folder(tmp_path)


def test_a_table_without_its_column(tmp_path):
    touch(tmp_path, "1.png")
    write(tmp_path / "metadata.csv", "name,text\n1.png,one")
    with pytest.raises(ValueError, match="metadata.csv, line 1.*file_name"):
        read_folder(tmp_path)


# Bad input --------------------------------------------------------------------------------------------------------


def test_folders_without_pictures(tmp_path):
    for number, (files, words) in enumerate(
        (((), "holds no pictures"), (("1.txt",), "1 text and no picture"), (("maps/1.png",), "maps only"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        touch(folder, *files)
        with pytest.raises(ValueError, match=words):
            read_folder(folder)


def test_what_is_no_folder(tmp_path):
    touch(tmp_path, "file.png")
    with pytest.raises(ValueError, match="a file, and a folder is wanted"):
        read_folder(tmp_path / "file.png")
    with pytest.raises(ValueError, match="not there"):
        read_folder(tmp_path / "none")


def test_a_caption_in_another_encoding_is_named(tmp_path):
    touch(tmp_path, "1.png")
    (tmp_path / "1.txt").write_bytes("größer".encode("cp1252"))
    with pytest.raises(ValueError, match="1.txt is not UTF-8"):
        read_folder(tmp_path)


def test_metadata_that_names_nothing_that_is_there(tmp_path):
    touch(tmp_path, "1.png")
    jsonl(tmp_path / "metadata.jsonl", {"file_name": "7.png"})
    with pytest.raises(ValueError, match="nothing is left.*7.png"):
        read_folder(tmp_path)
