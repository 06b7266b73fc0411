"""Rows as users bring them: CSV of every kind, JSON Lines, folders, products, and all that can be wrong with them."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.batch.rows import multiply, parse_vary, read_rows
from armature_pack.runs.errors import BatchError
from armature_pack.tests.runs.batch.host_stub import png


def rows(path: Path, text: str | bytes) -> list[Any]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_rows(path))


@pytest.mark.parametrize(
    "text",
    [
        'Sampler.seed,Prompt.text\n1,"a, b"\n',
        "\ufeffSampler.seed;Prompt.text\r\n1;a, b\r\n",
        "Sampler.seed\tPrompt.text\n1\ta, b\n\n",
        ' Sampler.seed , Prompt.text \n\n1,"a, b"',
        "\ufeffsep=;\r\nSampler.seed;Prompt.text\r\n1;a, b\r\n",
        'SEP=,\nSampler.seed,Prompt.text\n1,"a, b"\n',
    ],
)
def test_csv_of_any_spreadsheet(tmp_path: Path, text: str) -> None:
    (row,) = rows(tmp_path / "r.csv", text)
    assert row.values == {"Sampler.seed": "1", "Prompt.text": "a, b"}
    assert row.where.startswith("r.csv, line ")


def test_empty_cells_and_nulls_are_left_out(tmp_path: Path) -> None:
    assert [row.values for row in rows(tmp_path / "r.csv", "a.b,c.d\n,1\n2,\n,\n")] == [{"c.d": "1"}, {"a.b": "2"}]
    (row,) = rows(tmp_path / "r.jsonl", '{"a.b": null, "c.d": 1.5}\n\n')
    assert row.values == {"c.d": 1.5}


def test_a_broken_line_is_a_problem_of_its_row_alone(tmp_path: Path) -> None:
    short, good = rows(tmp_path / "r.csv", "a.b,c.d\n1\n2,3\n")
    assert "has 1 cells, but the header names 2 columns" in short.problem
    assert good.values == {"a.b": "2", "c.d": "3"} and not good.problem
    bad, listed, fine = rows(tmp_path / "r.jsonl", '{"a.b": 1\n[1]\n{"a.b": 2}\n')
    assert "is not JSON;" in bad.problem and "is not a JSON object" in listed.problem and fine.values == {"a.b": 2}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r.csv", b"", "no header line"),
        ("r.csv", b"a.b,a.b\n1,2\n", "'a.b' is there twice"),
        ("r.csv", b"a.b\n\xff\xfe\n", "not UTF-8"),
        ("r.csv", b'a.b\n1\n2\n"never closed\n3\n', "line 4: a quotation mark in this row is never closed"),
        ("r.csv", b'sep=,\na.b\n1\n"never closed\n', "line 4: a quotation mark"),
        ("r.csv", b'a.b,c.d\n1,"x\n2,"y"\n', "begins in line 2 is opened or closed in a wrong place"),
        ("r.csv", b"PK\x03\x04rest", "an Excel or OpenDocument workbook under the name of a text file"),
        ("r.csv", b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        ("r.xlsx", b"PK", "a .csv file, a .jsonl file or a folder"),
    ],
)
def test_unreadable_files_are_named(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    with pytest.raises(BatchError, match=told) as caught:
        rows(tmp_path / name, content)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_files_without_an_end_of_line_or_without_an_end(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as stream:
        stream.truncate(2**33)
    with pytest.raises(BatchError, match="line 1 has more than"):
        list(read_rows(tmp_path / name))
    if sys.platform == "win32":
        return
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(BatchError, match="a pipe or a device"):
        list(read_rows(tmp_path / name))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_a_picture_whose_name_is_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(png())
    with pytest.raises(BatchError, match="no UTF-8 text"):
        list(read_rows(tmp_path, "Picture.image"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="there is no such file or folder"):
        list(read_rows(tmp_path / "none.csv"))


def test_a_folder_gives_a_row_per_picture(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(png())
    assert [row.values for row in read_rows(tmp_path, "Picture.image")] == [
        {"Picture.image": "a.jpg"},
        {"Picture.image": "b.PNG"},
    ]
    with pytest.raises(BatchError, match="say which input takes them with --picture"):
        list(read_rows(tmp_path))


def test_products(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "x.png").write_bytes(png())
    lists = [
        parse_vary(text, tmp_path)
        for text in ("Prompt.text=p.txt", "Picture.image=photos", "Sampler.seed=3..5", "a.b=x, y")
    ]
    assert [one.values for one in lists] == [("one", "two"), (str(Path("photos/x.png")),), ("3", "4", "5"), ("x", "y")]
    base = read_rows_of(tmp_path)
    product = list(multiply(base, lists))
    assert len(product) == 2 * 2 * 1 * 3 * 2
    assert product[0].values == {
        "c.d": "1",
        "Prompt.text": "one",
        "Picture.image": str(Path("photos/x.png")),
        "Sampler.seed": "3",
        "a.b": "x",
    }


def read_rows_of(folder: Path) -> list[Any]:
    return rows(folder / "r.csv", "c.d\n1\n2\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Sampler.seed", "write it as COLUMN=VALUES"),
        ("=1..2", "write it as COLUMN=VALUES"),
        ("a.b=5..1", "must count upwards"),
        ("a.b=0..99999999999", "must count upwards, over at most 1000000"),
        ("a.b=none.txt", "there is no file none.txt"),
        ("a.b=..", "lies outside"),
    ],
)
def test_bad_lists(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BatchError, match=told):
        parse_vary(text, tmp_path)
