"""`measure` on the real server with the demo's models: the truth of its table, and that it draws nothing twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from armature_pack.tests.commands.batch.batch_process import run_command
from armature_pack.tests.host.example_graphs import API, WORKFLOWS, demo_models
from armature_pack.tests.server_fixture import RunningServer
from PIL import Image

pytestmark = pytest.mark.host
PICTURES = WORKFLOWS / "pictures" / "still_lifes"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """The shipped graph of one signal in two steps, without words, so that the map alone decides."""
    data = json.loads((API / "01 One control signal.json").read_text(encoding="utf-8"))
    data["13"]["inputs"] |= {"steps": 2, "cfg": 1}
    data["7"]["inputs"]["text"] = ""
    (tmp_path / "graph.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "pictures").mkdir()
    for name in ("01.jpg", "02.jpg"):
        shutil.copy(PICTURES / name, tmp_path / "pictures")
    return tmp_path / "graph.json"


def rows_of(data: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["way"], row["against"]): row for row in data["rows"]}


def test_the_table_tells_what_the_control_does_and_the_same_command_draws_nothing(
    graph: Path, server: RunningServer
) -> None:
    demo_models(server)
    folder = graph.parent
    command = ["graph.json", "--pictures", "pictures", "--server", server.address, "--out", "out"]
    models = str(server.models_folder)
    run_command("measure", folder, *command, "--record", "validated", "--models", models)
    data = json.loads((folder / "out" / "measure.json").read_text(encoding="utf-8"))
    rows = rows_of(data)
    given = "the map it got"
    score = {way: rows[way, given]["score"][0] for way in ("off", "0.5", "1", "wrong map")}
    own = rows["wrong map", "its own picture's map"]
    assert score["1"] > score["0.5"] > score["off"]
    assert score["1"] - score["off"] > 0.2 and score["wrong map"] - score["off"] > 0.2, "it follows the map it gets"
    assert own["score"][0] - score["off"] < 0.15, "and not the picture whose map it did not get"
    by_chance, followed = (rows[way, given]["relative"][0] for way in ("off", "1"))
    assert by_chance < score["off"], "what any picture would reach is taken off"
    assert 2 * by_chance < followed
    assert {row["pictures"] for row in rows.values()} == {2} and not data["failed"]
    assert data["schema"] == "armature.measure/1" and data["hosts"][0]["versions"]["comfyui"]
    assert all(len(one["sha256"]) == 64 for one in data["models"]) and len(data["models"]) == 2
    assert [one["values"]["13.seed"] for one in data["each"]] == [4] * 4 + [5] * 4
    page = (folder / "out" / "measure.md").read_text(encoding="utf-8")
    assert f"{score['1']:.3f} ±" in page and data["models"][0]["sha256"] in page
    assert Image.open(folder / "out" / "contact_sheet.jpg").width > 5 * 300
    (entry,) = json.loads((folder / "armature.json").read_text(encoding="utf-8"))["combinations"]
    assert entry["adherence"] == pytest.approx(rows["1", given]["relative"][0])
    assert f"{score['1']:.3f}" in entry["note"]

    ran = server.log().count("got prompt")
    (folder / "out" / "measure.md").unlink()
    out, _ = run_command("measure", folder, *command)
    assert server.log().count("got prompt") == ran and "0 are left" in out
    again = json.loads((folder / "out" / "measure.json").read_text(encoding="utf-8"))
    assert again["rows"] == data["rows"] and (folder / "out" / "measure.md").is_file()


def test_a_saved_graph_is_planned_with_the_servers_nodes(tmp_path: Path, server: RunningServer) -> None:
    """And what does not fit is told with the graph's name, before anything runs."""
    demo_models(server)
    saved = WORKFLOWS / "02 Three control signals.json"
    command = [str(saved), "--pictures", str(PICTURES), "--limit", "2", "--server", server.address, "--check"]
    _, err = run_command("measure", tmp_path, *command, status=2)
    assert "--input" in err and "02 Three control signals.json" in err
    foreign = json.loads((API / "01 One control signal.json").read_text(encoding="utf-8"))
    foreign["5"]["class_type"] = "NodeOfAnotherPack"
    (tmp_path / "foreign.json").write_text(json.dumps(foreign), encoding="utf-8")
    _, err = run_command("measure", tmp_path, "foreign.json", *command[1:], status=2)
    assert "lacks these nodes" in err and "NodeOfAnotherPack" in err
    out, _ = run_command("measure", tmp_path, *command, "--input", "Picture")
    assert "16 rows: 16 fit to run" in out and "Left alone: 'Depth signal'" in out


def test_savings_are_weighed_and_weighed_once(graph: Path, server: RunningServer) -> None:
    demo_models(server)
    folder = graph.parent
    command = ["graph.json", "--pictures", "pictures", "--server", server.address, "--out", "out", "--savings"]
    out, _ = run_command("measure", folder, *command, "--steps", "3")
    data = json.loads((folder / "out" / "savings.json").read_text(encoding="utf-8"))
    rows = {row["saving"]: row for row in data["rows"]}
    assert len(rows) == 6 and not data["failed"] and {row["pictures"] for row in rows.values()} == {2}
    whole, ended = rows["nothing left out"], rows["until 0.6"]
    assert whole["share"] == 1 and whole["lost"] is None and ended["lost"][0] > 0.1, (
        "control that ends early obeys less"
    )
    # Of three steps every second leaves out one, every third and fourth leave out the same two.
    assert rows["every 3"]["score"] == rows["every 4"]["score"] != rows["every 2"]["score"]
    assert rows["conditional only"]["score"] == whole["score"], "without guidance there is one half alone"
    page = (folder / "out" / "savings.md").read_text(encoding="utf-8")
    assert f"{ended['lost'][0]:.3f} ±" in page and f"{ended['lost'][0]:.3f}" in out
    assert Image.open(folder / "out" / "savings.png").width == 980
    ran = server.log().count("got prompt")
    run_command("measure", folder, *command, "--steps", "3")
    assert server.log().count("got prompt") == ran
    out, err = run_command("measure", folder, *command, "--samplers", "no such", "--check", status=2)
    assert "no such" in out + err
    _, err = run_command("measure", folder, *command[:-1], "--steps", "3", status=2)
    assert "--savings" in err
