"""The desk's history on the real server: runs come in once, are compared, restored, replayed, and nobody else writes."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import pytest
from armature_pack.runs.graph import set_inputs
from armature_pack.tests.commands.batch.batch_process import run_command
from armature_pack.tests.runs.record.schema import check
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image

pytestmark = pytest.mark.host

GRAPH = json.loads((PACK / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
HISTORY = "/armature/history"
JSON = {"Content-Type": "application/json"}
PROJECT = "Tea & cups (1)"
SOURCE = "history cup.png"
NAME = " Ana \n <b>" + " and friends" * 10


def ask(
    server: RunningServer, method: str, path: str, body: bytes | None = None, headers: Any = JSON
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(server: RunningServer, path: str, **query: str) -> Any:
    status, content = ask(server, "GET", f"{HISTORY}{path}?{urlencode({'project': PROJECT, **query})}", headers={})
    assert status == 200, content
    return json.loads(content)


def post(server: RunningServer, path: str, **body: Any) -> Any:
    status, content = ask(server, "POST", f"{HISTORY}{path}", json.dumps({"project": PROJECT, **body}).encode())
    assert status == 200, content
    return json.loads(content)


def draw_source(server: RunningServer) -> bytes:
    pixels = np.linspace(0, 255, 64 * 96 * 3).reshape(64, 96, 3).astype(np.uint8)
    pixels[20:40, 30:60] = 255
    Image.fromarray(pixels).save(server.input_folder / SOURCE)
    return (server.input_folder / SOURCE).read_bytes()


def run_of_desk(
    server: RunningServer,
    seed: int,
    weight: float,
    measuring: dict[str, Any] | None = None,
    steps: int = 1,
    **more: Any,
) -> str:
    """Runs the example graph as the desk sends it; its id. measuring: inputs of Control Adherence; more: what the desk tells."""
    changes = {
        "Load Checkpoint.ckpt_name": server.model("sd15_checkpoint"),
        "Load ControlNet.control_net_name": server.model("sd15_controlnet_canny"),
        "Sampler.steps": steps,
        "Sampler.seed": seed,
        "Control signal.weight": weight,
    }
    prompt = set_inputs(GRAPH, changes)
    prompt["3"] = {"class_type": "LoadImage", "inputs": {"image": SOURCE}, "_meta": {"title": "Picture"}}
    prompt["20"] = {
        "class_type": "ArmatureControlAdherence",
        "inputs": {"image": ["13", 0], "control_image": ["4", 0], "method": "canny", **(measuring or {})},
        "_meta": {"title": "Adherence"},
    }
    note = {
        "project": PROJECT,
        "graph": "control_signal",
        "maps": [["4", 0]],
        "words": [{"title": "Prompt", "text": "a <i>cup</i>"}],
        "weights": [{"title": "Control signal", "value": weight}, {"title": "bad", "value": "x"}],
        **more,
    }
    body = json.dumps({"prompt": prompt, "extra_data": {"armature_desk": note, "armature_by": NAME}}).encode()
    status, content = ask(server, "POST", "/prompt", body)
    assert status == 200, content
    prompt_id = json.loads(content)["prompt_id"]
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if json.loads(ask(server, "GET", f"/history/{prompt_id}")[1]):
            return prompt_id
        time.sleep(0.1)
    raise AssertionError("the run did not end")


@pytest.fixture(scope="module")
def rows(server: RunningServer) -> Iterator[list[dict[str, Any]]]:
    """Two runs in the history, the last one first, taken in by several at once."""
    draw_source(server)
    run_of_desk(server, 1, 0.8)
    run_of_desk(server, 2, 0.5, parent="../../x", branch="less")
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: post(server, "/take"), range(6)))
    assert told == [{"notes": []}] * 6
    yield get(server, "")["rows"]


def folder(server: RunningServer) -> Path:
    return server.input_folder.parent / "user" / "armature" / "projects" / PROJECT


def test_a_run_is_a_row_and_a_record_of_the_one_schema(server: RunningServer, rows: list[dict[str, Any]]) -> None:
    later, earlier = rows
    assert (later["seeds"], earlier["seeds"]) == ([2], [1])
    assert earlier["weights"] == [{"title": "Control signal", "value": 0.8}]
    assert earlier["words"][0]["text"] == "a <i>cup</i>" and earlier["status"] == "done"
    assert (later["branch"], later["parent"]) == ("less", "")
    assert later["by"] == " ".join(NAME.split())[:60]
    (measured,) = earlier["adherence"]
    assert measured["title"] == "Adherence" and 0 <= measured["score"] <= 1
    assert earlier["maps"] == later["maps"] and len(earlier["maps"]) == 1, "one map, kept once"
    record = json.loads((folder(server) / "records" / f"{earlier['id']}.json").read_text(encoding="utf-8"))
    check(record)
    assert record["node"] == "14" and record["history"]["graph"] == "control_signal" and record["times"]["seconds"] > 0
    assert get(server, "/run", run=earlier["id"]) == record
    assert any(report.startswith("Control map: ") for report in record["reports"])
    sums = {entry["name"]: entry["sha256"] for entry in record["models"]}
    file = server.models_folder / "checkpoints" / server.model("sd15_checkpoint")
    assert sums[file.name] == hashlib.sha256(file.read_bytes()).hexdigest()
    for query, size in (({"run": earlier["id"]}, (96, 64)), ({"name": earlier["maps"][0]}, (96, 64))):
        status, content = ask(server, "GET", f"{HISTORY}/file?{urlencode({'project': PROJECT, **query})}")
        assert status == 200
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == size
    table = get(server, "")
    assert get(server, "", known=table["version"]) == {"projects": table["projects"], "version": table["version"]}
    assert PROJECT in table["projects"]


def test_a_run_that_failed_is_a_row_with_the_reason(server: RunningServer) -> None:
    draw_source(server)
    run_of_desk(server, 5, 0.8, measuring={"minimum": 1.0, "policy": "error"}, project="failures")
    run_of_desk(server, 6, 0.8, project="../../climbs")
    notes = post(server, "/take", project="failures")["notes"]
    assert len(notes) == 1 and "cannot be a project's name" in notes[0]
    assert not list(server.input_folder.parent.parent.rglob("climbs*"))
    (row,) = get(server, "", project="failures")["rows"]
    assert (row["status"], row["seeds"], row["adherence"]) == ("failed", [5], [])
    reports = get(server, "/run", run=row["id"], project="failures")["reports"]
    assert reports[-1].startswith("Adherence: ") and "adherence" in reports[-1].lower()
    assert row["reason"] == reports[-1]


def test_a_run_that_was_cancelled_is_a_row_without_a_picture(server: RunningServer) -> None:
    draw_source(server)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(run_of_desk, server, 11, 0.8, steps=3000, project="cancelled")
        while not sent.done():
            ask(server, "POST", "/interrupt", b"{}")
            time.sleep(0.2)
    assert post(server, "/take", project="cancelled") == {"notes": []}
    (row,) = get(server, "", project="cancelled")["rows"]
    assert (row["status"], row["seeds"], row["pictures"], row["reason"]) == ("cancelled", [11], [], "")
    record = get(server, "/run", project="cancelled", run=row["id"])
    check(record)
    restored = post(server, "/restore", project="cancelled", run=row["id"])
    assert restored["prompt"]["12"]["inputs"]["steps"] == 3000


def test_runs_of_a_batch_are_found_by_it(server: RunningServer) -> None:
    draw_source(server)
    batch = {"id": "0123456789abcdef", "number": 2, "of": 3, "label": "seed <b>7</b>", "more": "x"}
    run_of_desk(server, 7, 0.8, project="batches", batch=batch)
    run_of_desk(server, 8, 0.8, project="batches", batch={**batch, "number": 1})
    for wrong in ({"number": 0}, {"of": 65, "number": 65}, {"number": True}, {"id": "../x"}, {"label": 7}):
        run_of_desk(server, 9, 0.8, project="batches", batch={**batch, **wrong})
    assert post(server, "/take", project="batches") == {"notes": []}
    found = get(server, "/batch", project="batches", batch=batch["id"])["rows"]
    assert [(row["batch"]["number"], row["seeds"]) for row in found] == [(1, [8]), (2, [7])]
    assert found[1]["batch"] == {key: batch[key] for key in ("id", "number", "of", "label")}
    rows = get(server, "", project="batches")["rows"]
    assert len(rows) == 7 and sum(row["batch"] is None for row in rows) == 5
    check(get(server, "/run", project="batches", run=found[0]["id"]))
    assert get(server, "/batch", project="batches", batch="../x")["rows"] == []


def test_replay_and_diff_read_it(server: RunningServer, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    later, earlier = (str(folder(server) / "records" / f"{row['id']}.json") for row in rows)
    out, _ = run_command("replay", tmp_path, earlier, "--server", server.address)
    assert f"{rows[1]['id']}_1.png: bit-equal" in out and "What differs" not in out
    out, _ = run_command("diff", tmp_path, earlier, later, status=1)
    told = get(server, "/compare", first=rows[1]["id"], second=rows[0]["id"])
    assert out.splitlines() == [*told["settings"], *told["pictures"]]
    assert any("'weight' 0.8 -> 0.5" in line for line in told["settings"])
    assert any("'seed' 1 -> 2" in line for line in told["settings"]) and len(told["pictures"]) == 1


def test_settings_come_back_with_pictures_that_the_server_has_lost(
    server: RunningServer, rows: list[dict[str, Any]]
) -> None:
    kept = draw_source(server)
    restored = post(server, "/restore", run=rows[1]["id"])
    assert restored["graph"] == "control_signal" and restored["notes"] == []
    assert restored["prompt"]["12"]["inputs"]["seed"] == 1 and restored["prompt"]["3"]["inputs"]["image"] == SOURCE
    (server.input_folder / SOURCE).unlink()
    restored = post(server, "/restore", run=rows[1]["id"])
    name = restored["prompt"]["3"]["inputs"]["image"]
    assert (server.input_folder / name).read_bytes() == kept and SOURCE in restored["notes"][0]


def test_rows_are_named_deleted_and_brought_back(server: RunningServer, rows: list[dict[str, Any]]) -> None:
    run = rows[0]["id"]
    post(server, "/edit", run=run, name="the <b>good</b> one", starred=True)
    post(server, "/delete", run=rows[1]["id"])
    table = get(server, "")
    assert [(row["id"], row["name"], row["starred"]) for row in table["rows"]] == [(run, "the <b>good</b> one", True)]
    post(server, "/take")
    assert table["deleted"] == [rows[1]["id"]] and len(get(server, "")["rows"]) == 1, "it does not come in again"
    post(server, "/bring_back", run=rows[1]["id"])
    assert len(get(server, "")["rows"]) == 2


def test_a_project_goes_to_another(server: RunningServer, rows: list[dict[str, Any]]) -> None:
    status, content = ask(server, "GET", f"{HISTORY}/export?project={quote(PROJECT)}")
    assert status == 200
    zipped = {"Content-Type": "application/zip"}
    for expected in ({"added": 2, "known": 0}, {"added": 0, "known": 2}):
        status, answer = ask(server, "POST", f"{HISTORY}/import?project=other", content, zipped)
        assert status == 200 and json.loads(answer) == expected
    other = json.loads(ask(server, "GET", f"{HISTORY}?project=other")[1])
    assert [row["id"] for row in other["rows"]] == [row["id"] for row in rows]
    for body, headers, wanted in (
        (content, {"Content-Type": "text/plain"}, 415),
        (content, {**zipped, "Origin": "http://elsewhere.example", "Host": "192.168.0.7:8188"}, 403),
        (b"PK no zip", zipped, 400),
        (b"PK no gzip", {**zipped, "Content-Encoding": "gzip"}, 400),
    ):
        status, answer = ask(server, "POST", f"{HISTORY}/import?project=third", body, headers)
        assert status == wanted and json.loads(answer)["error"]["message"]
    assert not list((server.input_folder.parent / "temp").glob("armature-*"))


def test_an_upload_that_breaks_off_leaves_nothing(server: RunningServer) -> None:
    said, place = len(server.log()), urlsplit(server.address)
    for route, kind in (("import?project=third", "application/zip"), ("edit", "application/json")):
        with socket.create_connection((place.hostname, place.port)) as connection:
            head = f"POST {HISTORY}/{route} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: {kind}\r\nContent-Length: 9999\r\n"
            connection.sendall(head.encode() + b"\r\nPK")
            time.sleep(0.2)
    for _ in range(50):
        time.sleep(0.1)
        if not list((server.input_folder.parent / "temp").glob("armature-*")):
            break
    assert not list((server.input_folder.parent / "temp").glob("armature-*"))
    assert "ConnectionResetError" not in server.log()[said:]


@pytest.mark.parametrize(
    "route",
    [
        *(f"history/{name}" for name in ("take", "edit", "delete", "bring_back", "restore")),
        *(f"presets/{name}" for name in ("save", "rename", "delete")),
    ],
)
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, {}, 415),
        ({**JSON, "Origin": "http://elsewhere.example", "Host": "192.168.0.7:8188"}, {}, 403),
        (JSON, [], 400),
        (JSON, {"project": "../../escaped", "run": "x", "name": "../../escaped"}, 400),
        (JSON, {"project": ["a"], "run": {}}, 400),
    ],
)
def test_what_is_turned_away(
    server: RunningServer, route: str, headers: dict[str, str], body: Any, status: int
) -> None:
    got, answer = ask(server, "POST", f"/armature/{route}", json.dumps(body).encode(), headers)
    assert got == status and json.loads(answer)["error"]["message"]
    assert not list(server.input_folder.parent.rglob("escaped"))


@pytest.mark.parametrize(
    "query", ["name=../records/x.json", "name=.lock", "run=../../x", "name=control_0000000000000000.png", ""]
)
def test_files_that_are_none_of_a_project(server: RunningServer, rows: list[dict[str, Any]], query: str) -> None:
    status, answer = ask(server, "GET", f"{HISTORY}/file?project={quote(PROJECT)}&{query}")
    assert status == 404 and json.loads(answer)["error"]["message"]
