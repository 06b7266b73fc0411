"""Atomic writes: whole or not at all, whoever else writes."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from armature_pack.common.atomic_write import atomic_write, write_bytes, write_text


def test_a_file_replaces_the_one_before_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "grün")
    assert path.read_text(encoding="utf-8") == "grün"
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_keeps_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as temporary:
        temporary.write_bytes(b"hal")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_nobody_sees_a_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_the_longest_name_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_bytes(path, content), contents))
    assert path.read_bytes() in contents and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_goes_away_while_it_is_written_to_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one on a network drive does."""
    folder, synced = tmp_path / "pictures", os.fsync

    def move_folder(descriptor: int) -> None:
        synced(descriptor)
        if not (tmp_path / "moved").exists():
            folder.rename(tmp_path / "moved")

    monkeypatch.setattr(os, "fsync", move_folder)
    write_bytes(folder / "a.png", b"whole")
    assert [path.name for path in folder.iterdir()] == ["a.png"] and (folder / "a.png").read_bytes() == b"whole"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_file_that_another_process_has_open_may_stay_when_it_holds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """As Windows refuses it."""

    def refuse(*_: object) -> None:
        raise PermissionError("in use")

    path = tmp_path / "file"
    if is_there:
        path.write_bytes(b"same")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        write_bytes(path, b"same")
    if is_there:
        with atomic_write(path, same_bytes=True) as temporary:
            temporary.write_bytes(b"same")
        assert list(tmp_path.iterdir()) == [path]
    else:
        with pytest.raises(PermissionError), atomic_write(path, same_bytes=True) as temporary:
            temporary.write_bytes(b"same")
        assert not list(tmp_path.iterdir())
