"""`armature.py convert`: the new file, the exit status, and what it never writes over."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands import convert
from armature_pack.commands.terminal import Problem

APPLY = {
    "class_type": "ControlNetApplyAdvanced",
    "inputs": {"positive": ["1", 0], "negative": ["2", 0], "control_net": ["3", 0], "image": ["4", 0], "strength": 0.5},
}
STAYS = {"class_type": "IPAdapterNoise", "inputs": {"type": "fade", "strength": 1.0, "blur": 0}}


@pytest.fixture
def run(tmp_path, capsys):
    def run(graph: Any, *more: str) -> tuple[int, str, Path]:
        file = tmp_path / "graph.json"
        if graph is not None:
            file.write_text(json.dumps(graph), encoding="utf-8")
        parser = argparse.ArgumentParser()
        convert.add_arguments(parser)
        return convert.run(parser.parse_args([str(file), *more])), capsys.readouterr().out, file

    return run


def test_the_new_file_stands_beside_the_old_one(run):
    status, text, file = run({"5": APPLY})
    assert status == 0 and "Apply Control (node 5)" in text
    assert json.loads(file.read_text(encoding="utf-8")) == {"5": APPLY}
    made = json.loads(file.with_name("graph.armature.json").read_text(encoding="utf-8"))
    assert made["5"]["class_type"] == "ArmatureApplyControl" and made["5"]["inputs"]["weight"] == 0.5


def test_what_stays_is_an_exit_status(run, tmp_path):
    status, text, _ = run({"5": APPLY, "6": STAYS}, "-o", str(tmp_path / "new.json"), "--json")
    report = json.loads(text)
    assert status == 1 and len(report["turned"]) == len(report["kept"]) == 1
    assert json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))["6"] == STAYS


def test_nothing_is_written_over_unless_told(run):
    _, _, file = run({"5": APPLY})
    for more in ([], ["-o", str(file)]):
        with pytest.raises(Problem, match="--overwrite"):
            run(None, *more)
    assert run(None, "-o", str(file), "--overwrite")[0] == 0
    assert "ArmatureApplyControl" in file.read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing(run, tmp_path):
    assert run({"5": APPLY}, "--dry-run")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["graph.json"]


@pytest.mark.parametrize("graph", [[1], {}, "text"])
def test_what_is_no_graph_is_a_problem(run, graph):
    assert convert.PROBLEM_STATUS == 2
    with pytest.raises(Problem):
        run(graph)


def test_half_a_character_in_a_title_is_kept(run):
    apply = {**APPLY, "_meta": {"title": "cut \ud83d"}}
    status, _, file = run({"5": apply}, "--json")
    assert status == 0
    made = json.loads(file.with_name("graph.armature.json").read_text(encoding="utf-8"))
    assert made["5"]["_meta"]["title"] == "cut \ud83d"


@pytest.mark.parametrize("place", [".", "/"])
def test_a_folder_is_named_as_one(place):
    parser = argparse.ArgumentParser()
    convert.add_arguments(parser)
    with pytest.raises(Problem, match="is a folder"):
        convert.run(parser.parse_args([place]))


def test_a_graph_is_no_description_of_nodes(run, tmp_path):
    (tmp_path / "info.json").write_text(json.dumps({"5": APPLY}), encoding="utf-8")
    with pytest.raises(Problem, match="object_info"):
        run({"5": APPLY}, "--object-info", str(tmp_path / "info.json"))
