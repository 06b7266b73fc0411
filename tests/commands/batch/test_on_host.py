"""The shipped example rows through the real ComfyUI: twelve pictures, refused models, and a killed runner."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from armature_pack.runs.batch.adherence import STRIDE
from armature_pack.tests.commands.batch.batch_process import run_command, start_command, summary
from armature_pack.tests.server_fixture import RunningServer

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"
GRAPH, ROWS = str(WORKFLOWS / "api" / "control_signal.json"), str(WORKFLOWS / "batch" / "example.csv")

pytestmark = pytest.mark.host


def options(server: RunningServer, *more: str) -> list[str]:
    small = {
        "Load Checkpoint.ckpt_name": server.model("sd15_checkpoint"),
        "Load ControlNet.control_net_name": server.model("sd15_controlnet_canny"),
        "Empty latent.width": 64,
        "Empty latent.height": 64,
        "Sampler.steps": 2,
    }
    values = [part for name, value in small.items() for part in ("--vary", f"{name}={value}")]
    return [GRAPH, ROWS, "--server", server.address, "--out", "out", *values, *more]


def pictures(folder: Path) -> list[Path]:
    return sorted((folder / "out" / "pictures").glob("*.png"))


def test_the_example_rows_survive_a_killed_runner(tmp_path: Path, server: RunningServer) -> None:
    process = start_command("batch", tmp_path, *options(server))
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until and not pictures(tmp_path):
        time.sleep(0.1)
    assert process.poll() is None, "it ended before a first picture, or before it was killed"
    process.kill()
    process.communicate()
    run_command("batch", tmp_path, *options(server))
    rows = summary(tmp_path / "out")
    assert [row["state"] for row in rows] == ["done"] * 12
    assert {row["attempts"] for row in rows} == {"1"}, "no row was sent twice"
    made = pictures(tmp_path)
    assert len(made) == 24, "the picture and its control map for each row"
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in made if "_14_" in path.name}
    assert len(digests) == 12


def test_models_that_do_not_fit_are_refused_before_anything_runs(tmp_path: Path, server: RunningServer) -> None:
    wrong = server.model("sdxl_controlnet")
    given = options(server)
    given[given.index(f"Load ControlNet.control_net_name={server.model('sd15_controlnet_canny')}")] = (
        f"Load ControlNet.control_net_name={wrong}"
    )
    out, _ = run_command("batch", tmp_path, *given, status=2)
    assert "12 rows: 0 fit to run, 12 refused" in out and wrong in out


def test_a_picture_that_follows_its_map_too_little_gets_another_seed(tmp_path: Path, server: RunningServer) -> None:
    """Control Adherence on the real host measures noise from random weights: far from 0.9, and above -1."""
    graph = json.loads(Path(GRAPH).read_text(encoding="utf-8"))
    measured = {"image": ["13", 0], "control_image": ["4", 0], "method": "canny"}
    graph["30"] = {"class_type": "ArmatureControlAdherence", "inputs": measured}
    (tmp_path / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("Sampler.seed\n7\n", encoding="utf-8")
    more = ["graph.json", "rows.csv", *options(server)[2:], "--retry", "1"]
    out, _ = run_command("batch", tmp_path, *more, "--minimum-adherence", "0.9", status=2)
    (row,) = summary(tmp_path / "out")
    assert "its adherence is" in row["reason"] and "below 0.9" in row["reason"] and row["reason"] in out
    assert (row["state"], row["attempts"], row["Sampler.seed"]) == ("failed", "2", str(7 + STRIDE))
    run_command("batch", tmp_path, *more, "--minimum-adherence", "-1")
    (row,) = summary(tmp_path / "out")
    assert (row["state"], row["attempts"]) == ("done", "3")
