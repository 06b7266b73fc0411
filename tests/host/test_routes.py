"""The pack's routes on the real server under attack: many at once, other origins, encodings that do not exist, too much."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from armature_pack.models.compatibility.combination import Combination, Part
from armature_pack.models.compatibility.sheet import Entry, add_entries
from armature_pack.tests.server_fixture import PACK

from .test_compatibility import GRAPH, graph

pytestmark = pytest.mark.host

CHECK, SHEET, DEMO = "/armature/compatibility", "/armature/sheet", "/armature/demo_models"
JSON = {"Content-Type": "application/json"}
ELSEWHERE = "http://elsewhere.example"


def post(server, route: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """As any program may send it: no header but these."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
    try:
        connection.request("POST", route, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith(b"{") else {}
    finally:
        connection.close()


@pytest.fixture
def sheet(server) -> Iterator[Path]:
    """The team's sheet, made by a first verdict and removed afterwards."""
    body = json.dumps({"prompt": graph(server), "verdict": "validated", "note": "first"}).encode()
    status, answer = post(server, SHEET, body, JSON)
    assert status == 200
    yield Path(answer["sheet"])
    Path(answer["sheet"]).unlink()


def notes(sheet: Path) -> list[str]:
    return [row["note"] for row in json.loads(sheet.read_text(encoding="utf-8"))["combinations"]]


def test_nobody_s_verdict_is_lost_when_many_send_one_at_once_and_another_process_writes(server, sheet):
    prompt = graph(server)
    bodies = [json.dumps({"prompt": prompt, "verdict": "validated", "note": f"post {i}"}).encode() for i in range(60)]

    def here(number: int) -> None:
        one = Combination("5", Part("a.safetensors", f"hash {number}", ("sd15",)), ())
        add_entries(sheet, [Entry("validated", one, "2026-01-01", f"here {number}")])

    with ThreadPoolExecutor(20) as pool, ThreadPoolExecutor(4) as others:
        mine = [others.submit(here, number) for number in range(20)]
        statuses = [status for status, _ in pool.map(lambda body: post(server, SHEET, body, JSON), bodies)]
        for one in mine:
            one.result()
    assert statuses == [200] * 60
    wanted = ["first", *(f"post {i}" for i in range(60)), *(f"here {i}" for i in range(20))]
    assert sorted(notes(sheet)) == sorted(wanted)


@pytest.mark.parametrize("route", [SHEET, DEMO])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "text/plain", "Origin": ELSEWHERE, "Host": "192.168.0.7:8188"}, 415),
        ({**JSON, "Origin": ELSEWHERE, "Host": "192.168.0.7:8188"}, 403),
        ({**JSON, "Origin": "null", "Host": "192.168.0.7:8188"}, 403),
        ({**JSON, "Origin": "http://192.168.0.7:9999", "Host": "192.168.0.7:8188"}, 403),
        ({**JSON, "Origin": "http://192.168.0.7:8188", "Sec-Fetch-Site": "same-site", "Host": "192.168.0.7:8188"}, 403),
        ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_only_the_page_itself_writes(server, sheet, route, headers, status):
    before = sheet.read_bytes()
    body = json.dumps({"prompt": GRAPH, "verdict": "refused", "names": []}).encode()
    assert post(server, route, body, headers)[0] == status
    assert sheet.read_bytes() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://192.168.0.7:8188", "Host": "192.168.0.7:8188"},
        {"Origin": "https://studio.example", "Host": "10.0.0.1:8188", "X-Forwarded-Host": "studio.example"},
        {"Origin": "https://studio.example", "Host": "10.0.0.1:8188", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_the_page_itself_writes_on_a_network_and_behind_a_proxy(server, sheet, headers):
    body = json.dumps({"prompt": graph(server), "verdict": "refused", "note": "page"}).encode()
    assert post(server, SHEET, body, JSON | headers)[0] == 200
    assert notes(sheet) == ["first", "page"]


@pytest.mark.parametrize("route", [CHECK, SHEET])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json; charset=no-such"}, 400),
        (b"{}", {**JSON, "Content-Encoding": "gzip"}, 400),
        (b"\xff\xfe\x00", {"Content-Type": "application/json; charset=utf-8"}, 400),
        (b"[" * 100_000, JSON, 400),
        (b" " * (8 * 2**20 + 1), JSON, 413),
        (gzip.compress(b" " * (64 * 2**20)), {**JSON, "Content-Encoding": "gzip"}, 413),
    ],
    ids=["charset", "gzip", "utf-8", "deep", "large", "bomb"],
)
def test_a_body_that_cannot_be_read_is_answered_with_a_reason(server, route, body, headers, status):
    got, answer = post(server, route, body, headers)
    assert got == status
    assert not answer or answer["error"]["message"]  # where the server cannot even begin to read, it answers itself


@pytest.mark.parametrize("names", [[[]], [{}], [1e999], 5, [None], "x"])
def test_files_of_the_demo_that_are_none(server, names):
    status, answer = post(server, DEMO, json.dumps({"names": names}).encode(), JSON)
    assert status == 400 and "names no file of the demo" in answer["error"]["message"]


def test_an_answer_is_json_also_where_the_graph_is_none(server):
    body = json.dumps(
        {"prompt": {**graph(server), "x": {"class_type": "A", "inputs": {"b": float("nan")}}}, "fix": True}
    )
    status, answer = post(server, CHECK, body.encode(), JSON)
    assert status == 400 and "not finite" in answer["error"]["message"]


def test_other_encodings_of_json_are_read(server):
    body = json.dumps({"prompt": graph(server)})
    for content, headers in (
        (body.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        (gzip.compress(body.encode()), {**JSON, "Content-Encoding": "gzip"}),
        (b"\xef\xbb\xbf" + body.encode(), JSON),
    ):
        assert post(server, CHECK, content, headers)[0] == 200


def test_a_file_s_graph_comes_back_as_a_prompt(server):
    folder = Path(__file__).resolve().parents[2] / "workflows"
    content = (folder / "control_signal.json").read_bytes()
    status, answer = post(server, "/armature/prompt", content, {"Content-Type": "application/octet-stream"})
    prompt = json.loads((folder / "api" / "control_signal.json").read_text(encoding="utf-8"))
    assert status == 200
    assert {name: node["inputs"] for name, node in answer["prompt"].items()} == {
        name: node["inputs"] for name, node in prompt.items()
    }
    assert answer["notes"][0].startswith("What to change first")
    for body, words in (
        (b"", "it is empty"),
        (b'{"1": {"class_type": "KSampler", "inputs": {"cfg": NaN}}}', "not finite"),
        (b'{"nodes": 3}', ""),
        (b'{"prompt": {"1": {"class_type": "A"}}, "2": 5, "3": {"class_type": "B"}}', "something else beside it"),
        (b"{}", "no nodes"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
    ):
        status, answer = post(server, "/armature/prompt", body, {})
        assert status == 400 and words in answer["error"]["message"]


def test_parts_of_the_desk_are_served_and_nothing_else_is(server):
    def get(name: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
        connection.request("GET", f"/armature/desk/{name}")
        status = connection.getresponse().status
        connection.close()
        return status

    parts = [path.name for path in (PACK / "nodes" / "desk").iterdir() if path.suffix in (".css", ".js")]
    assert {get(name) for name in parts} == {200}
    for name in (
        "nothing.js",
        "../routes.py",
        "%2e%2e%2froutes.py",
        "desk.js%00",
        "a" * 300 + ".js",
        "a" * 3000 + ".js",
        "",
    ):
        assert get(name) == 404, name


def test_the_desk_waits_for_no_style_sheet(server):
    with urlopen(f"{server.address}/armature", timeout=30) as answer:
        kind, page = answer.headers["Content-Type"], answer.read().decode()
    assert kind == "text/html; charset=utf-8"
    assert 'rel="stylesheet"' not in page and page.count("<style>") == 2
    for name in ("desk.css", "batch.css"):
        assert (PACK / "nodes" / "desk" / name).read_text(encoding="utf-8") in page
