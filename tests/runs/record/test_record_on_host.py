"""Save Record, replay and diff through the real ComfyUI."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.errors import RunFailed
from armature_pack.runs.graph import set_inputs
from armature_pack.runs.record.record import read_record
from armature_pack.tests.commands.batch.batch_process import run_command
from armature_pack.tests.runs.record.schema import check
from armature_pack.tests.server_fixture import RunningServer
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
GRAPH = json.loads((ROOT / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.host


def recorded(server: RunningServer, prefix: str, seed: int = 1, weight: float = 0.8) -> Path:
    """The folder of a record of the example graph, small, made of a picture of the input folder."""
    gradient = np.linspace(0, 255, 128 * 96 * 3).reshape(96, 128, 3).astype(np.uint8)
    gradient[30:60, 40:80] = 255
    Image.fromarray(gradient).save(server.input_folder / "room.png")
    changes = {
        "Load Checkpoint.ckpt_name": server.model("sd15_checkpoint"),
        "Load ControlNet.control_net_name": server.model("sd15_controlnet_canny"),
        "Empty latent.width": 64,
        "Empty latent.height": 64,
        "Sampler.steps": 2,
        "Sampler.seed": seed,
        "Control signal.weight": weight,
    }
    prompt = set_inputs(GRAPH, changes)
    prompt["3"] = {"class_type": "LoadImage", "inputs": {"image": "room.png"}, "_meta": {"title": "Picture"}}
    prompt["20"] = {
        "class_type": "ArmatureSaveRecord",
        "inputs": {
            "images": ["13", 0],
            "filename_prefix": prefix,
            "control_stack": ["8", 0],
            "reports.report_0": ["4", 1],
        },
        "_meta": {"title": "Save record"},
    }
    (saved,) = server.run(prompt).images("20")
    return server.output_folder / saved.subfolder / f"{Path(saved.filename).stem}.record"


def test_a_record_replayed_and_compared(server: RunningServer, tmp_path: Path) -> None:
    first, second = recorded(server, "job/one"), recorded(server, "job/two", seed=2, weight=0.5)
    _check_contents(server, first)

    # The same graph with the same seed gives the same bits, from the folder and from the picture alone.
    record = read_record(first)
    picture = record.picture(0)
    assert picture is not None
    for source in (first, picture):
        out, _ = run_command("replay", tmp_path, str(source), "--server", server.address, "--out", "again")
        assert "bit-equal" in out and "What differs" not in out
    again = tmp_path / "again" / f"replay_{picture.name}"
    assert np.array_equal(np.asarray(Image.open(again)), np.asarray(Image.open(picture)))

    out, _ = run_command("diff", tmp_path, str(first), str(second), "--out", "diff.png", status=1)
    assert "'Sampler' (node 12, KSampler): 'seed' 1 -> 2" in out
    assert "Control signal 1, weight: 0.8 -> 0.5" in out and "of the pixels differ, by" in out
    assert Image.open(tmp_path / "diff.png").width > 3 * 64
    out, _ = run_command("diff", tmp_path, str(first), str(first))
    assert "Nothing differs" in out

    _check_strangers(server, first, tmp_path)


def _check_contents(server: RunningServer, folder: Path) -> None:
    data: dict[str, Any] = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    check(data)
    sums = {entry["name"]: entry["sha256"] for entry in data["models"]}
    for kind, name in (("checkpoints", "sd15_checkpoint"), ("controlnet", "sd15_controlnet_canny")):
        file = server.models_folder / kind / server.model(name)
        assert sums[file.name] == hashlib.sha256(file.read_bytes()).hexdigest()
    (signal,) = data["signals"]
    assert (signal["weight"], signal["fit"], signal["applied"]) == (0.8, "crop", True)
    assert Image.open(folder / signal["images"][0]).size == (64, 64)
    assert data["sampling"][0]["settings"]["seed"] == 1 and data["reports"] and data["device"]["type"]
    times = data["times"]
    assert times["queued"] <= times["started"] < times["saved"] and 0 < times["seconds"] < 600
    assert {"armature", "comfyui", "torch", "python", "system"} <= set(data["versions"])
    (kept,) = data["inputs"]
    assert (folder / kept["file"]).read_bytes() == (server.input_folder / "room.png").read_bytes()
    picture = Image.open(folder.parent / data["pictures"][0]["file"])
    assert isinstance(picture, Image.Image) and json.loads(getattr(picture, "text", {})["prompt"]) == data["prompt"]


def _check_strangers(server: RunningServer, folder: Path, tmp_path: Path) -> None:
    """Records that ask for what is not here: told before anything runs."""
    data = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    strange = tmp_path / "strange.json"
    data["prompt"]["13"]["class_type"] = "EvilNode"
    strange.write_text(json.dumps(data), encoding="utf-8")
    _, err = run_command("replay", tmp_path, str(strange), "--server", server.address, status=2)
    assert "'Decode' (node 13, EvilNode)" in err and "install the packs" in err

    data = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    for entry in data["models"]:
        entry["name"] = f"gone_{entry['name']}"
        data["prompt"][entry["node"]]["inputs"][entry["input"]] = entry["name"]
    strange.write_text(json.dumps(data), encoding="utf-8")
    options = ("--server", server.address, "--models", str(server.models_folder / "checkpoints"))
    _, err = run_command("replay", tmp_path, str(strange), *options, status=2)
    assert f"the same file is {server.models_folder / 'checkpoints' / server.model('sd15_checkpoint')}" in err
    assert "no file of that sum was found" in err and data["models"][0]["sha256"] in err


@pytest.mark.parametrize("prefix", ["../climbs", "a/../../climbs", "/tmp/armature_climbs"])
def test_a_prefix_that_climbs_out_of_the_output_folder_is_refused(server: RunningServer, prefix: str) -> None:
    prompt = {
        "1": {"class_type": "ArmatureExamplePicture", "inputs": {"name": "still_life"}},
        "2": {"class_type": "ArmatureSaveRecord", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }
    with pytest.raises(RunFailed, match="filename_prefix"):
        server.run(prompt)
    assert not list(server.output_folder.parent.glob("climbs*")) and not list(Path("/tmp").glob("armature_climbs*"))
