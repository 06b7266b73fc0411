"""Records as data: what is read from a prompt, what is refused, what two records say about each other."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from armature_pack.runs.record.compare import difference_picture, differences, distance
from armature_pack.runs.record.hashes import HashCache
from armature_pack.runs.record.prompt_facts import model_names, sampling, upstream
from armature_pack.runs.record.record import ENTRIES, PARTS, SCHEMA, RecordError, check_record, read_record
from armature_pack.tests.runs.batch.host_stub import GRAPH, png
from armature_pack.tests.runs.record.schema import SCHEMA as SCHEMA_FILE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

RECORD: dict[str, Any] = {
    "schema": SCHEMA,
    "created": "2026-01-01T00:00:00+00:00",
    "node": "4",
    "pictures": [{"file": "x_00001_.png", "width": 8, "height": 8, "sha256": "0" * 64}],
    "prompt": GRAPH,
    "sampling": [],
    "models": [
        {"node": "1", "input": "ckpt_name", "name": "a.safetensors", "folder": "checkpoints", "sha256": "1" * 64}
    ],
    "inputs": [{"node": "2", "input": "image", "name": "there.png", "file": "input_1.png"}],
    "signals": [{"label": "one", "weight": 0.8, "images": ["control_1.png"]}],
    "reports": [],
    "versions": {"comfyui": "0.30.0"},
    "device": {"type": "cpu"},
}


def changed(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RECORD), **parts}


def test_what_a_prompt_says() -> None:
    graph = {**GRAPH, "9": {"class_type": "Other", "inputs": {"seed": 1}}}
    nodes = upstream(graph, "4")
    assert list(nodes) == ["1", "2", "3", "4"]
    assert sampling(nodes) == [
        {"node": "3", "title": "Sampler", "class_type": "Sampler", "settings": {"seed": 1, "cfg": 7.0}}
    ]
    assert list(model_names(nodes)) == [("1", "ckpt_name", "a.safetensors")]
    loop = {"1": {"class_type": "A", "inputs": {"x": ["2", 0]}}, "2": {"class_type": "A", "inputs": {"x": ["1", 0]}}}
    assert set(upstream(loop, "1")) == {"1", "2"}


def test_sums_are_kept_by_path_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from armature_pack.runs.record import hashes

    file = tmp_path / "m.safetensors"
    file.write_bytes(b"abc")
    cache = HashCache(tmp_path / "deep" / "sums.sqlite")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert cache.sha256(file) == known
    read: list[Path] = []
    monkeypatch.setattr(hashes, "sha256_of_file", lambda path: read.append(path) or "new")
    assert cache.sha256(file) == known and not read
    os.utime(file, (1, 1))
    assert cache.sha256(file) == "new" and len(read) == 1
    assert HashCache(tmp_path / "m.safetensors" / "no").sha256(file) == "new", "a store that cannot be is no obstacle"


def test_a_record_is_read_from_its_folder_its_json_and_refused_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "x_00001_.record"
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps(RECORD), encoding="utf-8")
    (tmp_path / "x_00001_.png").write_bytes(png())
    for path in (folder, folder / "record.json"):
        record = read_record(path)
        assert record.picture(0) == tmp_path / "x_00001_.png" and record.file("none.png") is None
    if sys.platform != "win32":
        (tmp_path / "secret.png").write_bytes(png())
        (folder / "input_1.png").symlink_to(tmp_path / "secret.png")
        assert read_record(folder).file("input_1.png") is None, "a link out of the folder is not followed"
    with pytest.raises(RecordError, match="holds no record"):
        read_record(tmp_path / "x_00001_.png")
    with pytest.raises(RecordError, match="No such file"):
        read_record(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "is no record"),
        (changed(schema="armature.record/9"), "this Armature reads"),
        (changed(prompt={"nodes": []}), "graph for the front end"),
        (changed(prompt={"1": 5}), "is not a node"),
        (changed(models=[{"name": 5}]), "an entry of 'models' is damaged"),
        (changed(versions=None), "'versions' is missing"),
        (changed(pictures=[{"file": "../../x.png", "sha256": ""}]), "is not a plain file name"),
        (changed(inputs=[{**RECORD["inputs"][0], "file": "/etc/passwd"}]), "is not a plain file name"),
        (changed(inputs=[{**RECORD["inputs"][0], "file": ".."}]), "is not a plain file name"),
        (changed(inputs=[{**RECORD["inputs"][0], "file": "c:\\x"}]), "is not a plain file name"),
    ],
)
def test_records_that_are_not_used(data: Any, told: str) -> None:
    with pytest.raises(RecordError, match=told):
        check_record(data, "stranger.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text(max_size=4), kids, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(RECORD)), JSON)
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_damage_is_refused_or_harmless(part: str, value: Any) -> None:
    try:
        checked = check_record(changed(**{part: value}), "r")
    except RecordError as error:
        assert str(error).startswith("r")
    else:
        differences(checked, RECORD)


def test_differences_in_words() -> None:
    assert differences(RECORD, changed()) == []
    other = changed(versions={"comfyui": "0.24.0"}, device={"type": "cuda"})
    other["prompt"]["3"]["inputs"]["seed"] = 2
    other["prompt"]["5"] = {"class_type": "Scale", "inputs": {}}
    other["prompt"]["4"]["inputs"]["images"] = ["5", 0]
    other["prompt"]["5"]["inputs"]["image"] = ["3", 0]
    other["models"][0]["sha256"] = "2" * 64
    other["inputs"][0]["file"] = "input_2.png"
    other["signals"] = [{**other["signals"][0], "weight": 0.5, "images": ["control_2.png"]}, {"label": "two"}]
    assert differences(RECORD, other, ignore=frozenset({"4.images"})) == [
        "Node 3 (Sampler): 'seed' 1 -> 2",
        "Node 5 (Scale) is in the second graph only.",
        f"Model file a.safetensors: another file of the same name (sha256 {'1' * 16}… -> {'2' * 16}…).",
        "Version of comfyui: '0.30.0' -> '0.24.0'",
        "Device type: 'cpu' -> 'cuda'",
        "Control signal 1, weight: 0.8 -> 0.5",
        "Control signal 1: another control image.",
        "Control signal 2 is in the second record only.",
        "The picture there.png of node 2 has other content.",
    ]


def test_reading_and_schema_agree_on_the_parts() -> None:
    assert {"schema", *PARTS} == set(SCHEMA_FILE["required"])
    optional = {"times", "history"}  # records of before have none, and those of Save Record no history
    assert set(SCHEMA_FILE["properties"]) - {"schema", *PARTS} == optional
    for name, keys in ENTRIES.items():
        assert set(keys) <= set(SCHEMA_FILE["properties"][name]["items"]["required"])


def test_distance() -> None:
    black = Image.fromarray(np.zeros((4, 5, 3), np.uint8))
    grey = np.zeros((4, 5, 3), np.uint8)
    grey[0, 0] = (0, 10, 0)
    other = Image.fromarray(grey)
    found = distance(black, other)
    assert found is not None and (found.largest, found.share) == (10, 0.05)
    assert found.mean == pytest.approx(10 / 60) and found.psnr == pytest.approx(10 * np.log10(255**2 / (100 / 60)))
    assert np.asarray(difference_picture(black, other))[0, 0] == 255
    same = distance(black, black)
    assert same is not None and same.is_equal and str(same) == "bit-equal"
    assert distance(black, Image.new("RGB", (1, 1))) is None


def test_times_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first note of a run counts; outside the host nothing is known but now."""
    from armature_pack.runs.record import host_facts

    monkeypatch.setattr(host_facts, "_running_id", lambda: "")
    assert host_facts.run_times(lambda: 0.0)["seconds"] is None
    for number in range(2 * host_facts.MOST):
        monkeypatch.setattr(host_facts, "_running_id", lambda number=number: f"run {number}")
        host_facts.note_start(lambda: 100.0)
        host_facts.note_start(lambda: 101.0)
    told = host_facts.run_times(lambda: 102.5)
    assert (told["seconds"], told["queued"]) == (2.5, None)
    assert told["started"] == "1970-01-01T00:01:40.000+00:00"
    assert len(host_facts._STARTED) <= host_facts.MOST
