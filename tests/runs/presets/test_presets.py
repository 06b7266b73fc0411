"""Presets in files: no name becomes a path unchecked, what is damaged is told, and nothing is lost when several write."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.presets.presets import LONGEST, SCHEMA, PresetError, Presets

CONTROLS = [
    {"sort": "Control", "title": "Edges <b>", "values": {"weight": 0.5, "end_percent": 1, "schedule": "0 1, 1 0"}}
]


def test_a_preset_is_saved_renamed_deleted_and_each_can_be_taken_back(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets")
    assert presets.table() == {"presets": [], "told": []}
    assert presets.save("Soft", CONTROLS) == {"name": "Soft", "replaced": None}
    other = [{**CONTROLS[0], "values": {"weight": 1}}]
    assert presets.save("Soft ", other)["replaced"] == CONTROLS
    presets.save("Soft", CONTROLS)
    presets.save("Ärger & (2)", other)
    with pytest.raises(PresetError, match="already"):
        presets.rename("Soft", "Ärger & (2)")
    presets.rename("Soft", "Softer")
    assert [one["name"] for one in presets.table()["presets"]] == ["Softer", "Ärger & (2)"]
    assert presets.delete("Softer")["deleted"] == CONTROLS
    with pytest.raises(PresetError, match="There is no preset 'Softer'"):
        presets.delete("Softer")
    data = json.loads((tmp_path / "presets" / "Ärger & (2).json").read_text(encoding="utf-8"))
    assert data == {"schema": SCHEMA, "controls": other}


@pytest.mark.parametrize(
    "name", ["", "..", "../up", "a/b", "a\\b", ".hidden", "nul", "C:x", "x" * 61, "a\0b", None, 7, ["a"]]
)
def test_names_that_could_be_paths_are_refused(tmp_path: Path, name: Any) -> None:
    presets = Presets(tmp_path / "in" / "presets")
    presets.save("Good", CONTROLS)
    for work in (
        lambda: presets.save(name, CONTROLS),
        lambda: presets.delete(name),
        lambda: presets.rename(name, "New"),
        lambda: presets.rename("Good", name),
    ):
        with pytest.raises(PresetError, match="a preset's name"):
            work()
    assert sorted(one.name for one in tmp_path.rglob("*.json")) == ["Good.json"]


@pytest.mark.parametrize(
    ("controls", "told"),
    [
        (None, "from 1 to 64 controls"),
        ([], "from 1 to 64 controls"),
        (CONTROLS * 65, "from 1 to 64 controls"),
        ([*CONTROLS, 7], "Control 2 of the preset has no values"),
        ([{**CONTROLS[0], "title": 7}], "Control 1 of the preset: sort and title"),
        ([{**CONTROLS[0], "values": {}}], "from 1 to 16 values"),
        ([{**CONTROLS[0], "values": {"weight": float("nan")}}], "'weight' is neither a finite number"),
        ([{**CONTROLS[0], "values": {"weight": True}}], "'weight' is neither a finite number"),
        ([{**CONTROLS[0], "values": {"schedule": "x" * (LONGEST + 1)}}], "'schedule' is neither"),
    ],
)
def test_what_is_no_preset_is_refused_by_its_place(tmp_path: Path, controls: Any, told: str) -> None:
    with pytest.raises(PresetError, match=told):
        Presets(tmp_path / "presets").save("Bad", controls)
    assert not list(tmp_path.rglob("*.json"))


def test_damaged_files_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    presets.save("Good", CONTROLS)
    for name, text in (
        ("Torn", '{"schema": "arma'),
        ("Deep", "[" * 100_000),
        ("Old", '{"schema": "x/9", "controls": []}'),
    ):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    (tmp_path / "Large.json").write_bytes(b" " * 300_000)
    (tmp_path / "Bytes.json").write_bytes(b"\xff\xfe\x00")
    table = presets.table()
    assert [one["name"] for one in table["presets"]] == ["Good"]
    assert len(table["told"]) == 5 and all("The preset '" in one for one in table["told"])
    presets.save("Torn", CONTROLS)
    assert len(presets.table()["presets"]) == 2


def test_several_write_at_once(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: presets.save(f"P{number % 4}", CONTROLS), range(32)))
    assert [one["name"] for one in presets.table()["presets"]] == ["P0", "P1", "P2", "P3"]
    assert not list(tmp_path.rglob("*.partial"))
