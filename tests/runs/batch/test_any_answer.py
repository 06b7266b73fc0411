"""A server may answer anything: no row counts as done without its picture, and nothing ends in a traceback."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.batch.screen import Screen
from armature_pack.runs.batch import patience
from armature_pack.runs.batch.batch import BatchResult, batch, run_on_server
from armature_pack.runs.batch.job import Job, Request, Settings
from armature_pack.runs.batch.ledger import DONE, FAILED, WAITING, Entry, Ledger
from armature_pack.runs.client import Client
from armature_pack.runs.errors import BatchError, ClientError
from armature_pack.runs.events import Reader, is_end
from armature_pack.runs.wire import Secrets
from armature_pack.tests.runs.answering import AnsweringHost, picture, spoilt
from armature_pack.tests.runs.batch.host_stub import GRAPH, png

SERVER = "http://127.0.0.1:8188"
HTML = b"<!DOCTYPE html><html><body>Back soon</body></html>"


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the system has such a place: thousands of small files are written."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> AnsweringHost:
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)
    host = AnsweringHost()
    host.install(monkeypatch)
    return host


def start(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> tuple[BatchResult, list[Entry]]:
    """One start of a batch in `folder`, and its rows in the end."""
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = batch(GRAPH, folder / "rows.jsonl", server=SERVER, out=folder / "out", settings=Settings(**settings))
    with Ledger(folder / "out") as ledger:
        return result, list(ledger.entries())


def gives_no_picture(answer: bytes, prompt_id: str) -> bool:
    """Whether a history says in the host's own form that a run came out and gave no picture, or one that is not kept."""
    outputs = json.loads(answer)[prompt_id].get("outputs")
    shown = outputs.get("4", {}) if isinstance(outputs, dict) else None
    return isinstance(shown, dict) and shown.get("images", []) == []


def test_a_thousand_spoilt_answers_about_rows(folder: Path, host: AnsweringHost) -> None:
    chance, cases = random.Random(11), 1000
    kinds = ("history", "history", "history", "prompt", "queue", "upload")
    rows: list[dict[str, Any]] = [{"Sampler.text": f"{chance.choice(kinds)} {number}"} for number in range(cases)]
    for number, row in enumerate(rows):
        if row["Sampler.text"].startswith("upload"):
            (folder / f"{number}.png").write_bytes(png(number))
            row["Picture.image"] = f"{number}.png"
    sent: dict[str, bytes] = {}

    def spoil(path: str, answer: bytes, text: str) -> bytes:
        kind = text.split(maxsplit=1)[0] if text else ""
        if kind == "queue" and path.startswith("/history") and host.asked[path] == 1:
            return b"{}"  # so that the queue is asked for
        if path == "/upload/image" or path.split("/")[1] == kind:
            sent[text] = spoilt(answer, chance)
            return sent[text]
        return answer

    host.spoil = spoil
    _, entries = start(folder, rows, retry=1, patience=5.0, ahead=1)
    assert len(entries) == cases and {entry.state for entry in entries} <= {DONE, FAILED}
    for entry in entries:
        text = rows[entry.number - 1]["Sampler.text"]
        if entry.state == DONE and entry.files:
            assert [(folder / "out" / one).read_bytes() for one in entry.files] == [picture(text)]
        elif entry.state == DONE:
            assert gives_no_picture(sent[text], str(entry.prompt_id)), (entry, sent[text])
    counts = {state: sum(entry.state == state for entry in entries) for state in (DONE, FAILED)}
    assert min(counts.values()) > cases / 10, counts


def test_spoilt_answers_while_rows_are_planned(folder: Path, host: AnsweringHost) -> None:
    chance, planned = random.Random(12), 0
    finding = {"severity": "error", "text": "no", "fix": "", "rule": "x"}
    host.report = {"findings": [{**finding, "severity": "warning"}], "ok": True}
    row = {"Sampler.seed": 3, "Sampler.cfg": 2.5, "Sampler.tiled": True, "Load Checkpoint.ckpt_name": "a.safetensors"}
    for number in range(150):
        kind = ("object_info", "object_info", "armature")[number % 3]
        host.spoil = lambda path, answer, _text, kind=kind: (
            spoilt(answer, chance) if path.split("/")[1] == kind else answer
        )
        (folder / str(number)).mkdir()
        try:
            _, (entry,) = start(folder / str(number), [row], ahead=1)
        except (BatchError, ClientError) as error:
            assert str(error)
        else:
            planned += 1
            assert entry.state != DONE or entry.files
    assert 15 < planned < 150


def test_an_error_of_the_check_is_never_lost(folder: Path, host: AnsweringHost) -> None:
    host.report = {"findings": [{"severity": "error", "text": 7, "fix": None}]}
    result = batch(GRAPH, None, vary=["Sampler.seed=1..2"], server=SERVER, out=folder / "out")
    assert (result.counts["refused"], result.status) == (2, 2)


@pytest.mark.parametrize("content", [HTML, b"", b"[" * 100_000, b"{", b"\xff\xfe\x00", b"NaN"])
@pytest.mark.parametrize("place", ["object_info", "armature", "upload", "prompt", "history", "queue"])
def test_what_is_no_json_is_waited_out_and_then_told(
    folder: Path, host: AnsweringHost, place: str, content: bytes
) -> None:
    host.spoil = lambda path, answer, _text: content if path.split("/")[1] == place else answer
    (folder / "a.png").write_bytes(png())
    row = {"Sampler.text": "a", "Picture.image": "a.png"}
    try:
        result, (entry,) = start(folder, [row], patience=0.05)
    except (BatchError, ClientError) as error:
        assert place in ("object_info", "armature") and str(error)
    else:
        # The queue is not asked for where the history tells; and it tells of a prompt whose answer was no answer.
        assert (entry.state == DONE) == (place == "queue" or (place == "prompt" and content != b"NaN"))
        assert result.status == (0 if entry.state == DONE else 2)
    host.spoil = lambda _path, answer, _text: answer
    result, (entry,) = start(folder, [row])
    assert (result.status, entry.state) == (0, DONE), "the same command goes on"


VIEWS: dict[str, bytes] = {
    "a page": HTML,
    "nothing": b"",
    "JSON": b'{"error": "no"}',
    "half a picture": png()[: len(png()) // 2],
    "a picture without its end": png()[:-6],
    "a damaged picture": png().replace(b"IDAT", b"IDXT"),
    "a video": b"\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x08mdat",
}


@pytest.mark.parametrize("content", VIEWS.values(), ids=VIEWS)
def test_a_row_is_done_with_a_whole_picture_alone(folder: Path, host: AnsweringHost, content: bytes) -> None:
    broken = {"always": 9, "once": 1}

    def spoil(path: str, answer: bytes, text: str) -> bytes:
        if path != "/view" or not broken[text]:
            return answer
        broken[text] -= 1
        return content

    host.spoil = spoil
    result, (always, once) = start(folder, [{"Sampler.text": text} for text in broken], retry=1)
    assert (always.state, always.attempts, always.files) == (FAILED, 2, [])
    assert (once.state, once.attempts) == (DONE, 2)
    assert [one.read_bytes() for one in (folder / "out" / "pictures").iterdir()] == [picture("once")]
    assert result.status == 1


@pytest.mark.parametrize("path", ["/prompt", "/history", "/view", "/upload"])
@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_server_that_refuses_for_ever_ends_the_batch_after_the_patience(
    folder: Path, host: AnsweringHost, path: str, status: int
) -> None:
    host.spoil = lambda asked, answer, _text: (status, b"") if asked.startswith(path) else answer
    (folder / "a.png").write_bytes(png())
    result, entries = start(folder, [{"Sampler.text": text, "Picture.image": "a.png"} for text in "ab"], patience=0.1)
    assert result.status == 2 and "did not come back within 0.1 s. Nothing is lost" in result.stopped
    assert host.asked["/prompt"] < 40, "the server is not besieged meanwhile"
    assert {entry.state for entry in entries} <= {WAITING, "sent"}
    host.spoil = lambda _asked, answer, _text: answer
    assert start(folder, [{"Sampler.text": text, "Picture.image": "a.png"} for text in "ab"])[0].status == 0


def test_a_busy_server_is_waited_for_as_long_as_it_runs_another_row(folder: Path, host: AnsweringHost) -> None:
    """It takes one row at a time, and each takes longer than the patience."""

    def spoil(path: str, answer: bytes, text: str) -> bytes | tuple[int, bytes]:
        busy = 0 < sum(host.asked[one] for one in host.asked if one.startswith("/history")) < 400
        if path == "/prompt" and text == "b" and busy:
            return 503, b""
        return b"{}" if path.startswith("/history") and busy and text == "a" else answer

    host.spoil = spoil
    result, _ = start(folder, [{"Sampler.text": text} for text in "ab"], patience=0.15)
    assert result.status == 0, result.stopped


def test_a_server_that_forgets_what_it_took_costs_that_row_alone(folder: Path, host: AnsweringHost) -> None:
    host.spoil = lambda path, answer, text: (
        b"{}"
        if path.startswith("/history") and text == "a"
        else b'{"queue_running": [], "queue_pending": []}'
        if path == "/queue"
        else answer
    )
    _, (lost, other) = start(folder, [{"Sampler.text": text} for text in "ab"])
    assert (lost.state, other.state) == (FAILED, DONE) and "never ran it" in lost.reason


def test_a_run_that_ended_and_goes_on_again_is_no_sign_of_life(folder: Path, host: AnsweringHost) -> None:
    """Its picture is refused for ever, and in between the server says that it still works on it."""

    def spoil(path: str, answer: bytes, _text: str) -> bytes | tuple[int, bytes]:
        if path.startswith("/history") and host.asked[path] % 2:
            return b"{}"
        return (503, b"") if path == "/view" else answer

    host.spoil = spoil
    result, _ = start(folder, [{"Sampler.text": "a"}], patience=0.2)
    assert result.status == 2 and "did not come back within 0.2 s" in result.stopped


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_row_that_is_over_time_ends_though_the_server_does_not_stop_it(
    folder: Path, host: AnsweringHost, status: int
) -> None:
    stopping = Counter[str]()

    def spoil(path: str, answer: bytes, _text: str) -> bytes | tuple[int, bytes]:
        if path == "/queue" and path in stopping:
            stopping.clear()
            return status, b""
        return b"{}" if path.startswith("/history") else answer

    original = Client.cancel

    async def cancel(client: Client, prompt_id: str) -> None:
        stopping["/queue"] += 1
        await original(client, prompt_id)

    host.spoil = spoil
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "cancel", cancel)
        result, (entry,) = start(folder, [{"Sampler.text": "a"}], row_seconds=0.05, patience=0.3)
    if status == 503:
        assert "did not come back within 0.3 s" in result.stopped
    else:
        assert entry.state == FAILED and "did not end within 0.05 s" in entry.reason


def test_words_of_a_server_do_nothing_to_a_terminal_or_a_table(
    folder: Path, host: AnsweringHost, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[2J\x1b]0;title\x07\x9b1A\r\nnext\tword \0 \x7f" + "x" * 10**6
    host.report = {"findings": []}

    def spoil(path: str, answer: bytes, text: str) -> bytes | tuple[int, bytes]:
        if path == "/prompt" and text == "refused":
            return 400, json.dumps(
                {"error": {"message": evil}, "node_errors": {"3": {"errors": [{"message": evil}]}}}
            ).encode()
        if not path.startswith("/history"):
            return answer
        (told,) = json.loads(answer).items()
        if text == "failed":
            told[1]["status"]["messages"][-1] = ["execution_error", {"node_id": evil, "exception_message": evil}]
        if text == "named":
            told[1]["outputs"] = {evil: {"images": [{"filename": evil}]}}
        if text == "odd":
            told[1]["outputs"] = {evil: {"images": ["no file"]}}
        return json.dumps(dict([told])).encode()

    host.spoil = spoil
    rows = [{"Sampler.text": text} for text in ("refused", "failed", "named", "odd", "fine")]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    screen = Screen(argparse.Namespace(out=folder / "out", check=False, strict=False))
    job = Job(GRAPH, Request(folder / "rows.jsonl"), folder / "out", Secrets(SERVER, {}))
    result = asyncio.run(run_on_server(job, SERVER, {}, screen))
    assert (result.counts[DONE], result.counts[FAILED]) == (1, 4)
    host.report = {"findings": [{"severity": "error", "text": evil}]}
    asyncio.run(run_on_server(job, SERVER, {}, screen))
    shown = capsys.readouterr().out
    assert "next" in shown and len(shown) < 1_000_000
    assert not set(shown) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
    assert all(len(json.dumps(row["reason"])) < 50_000 for row in json.loads(result.data.read_text("utf-8"))["rows"])


def renamed(answer: bytes, other: str) -> bytes:
    """The record of a run, as that of another one under the first one's id."""
    (told,) = json.loads(answer).items()
    told[1]["prompt"][1] = other
    return json.dumps(dict([told])).encode()


@pytest.mark.parametrize(
    "other",
    [
        lambda answer: renamed(answer, "another"),
        lambda answer: json.dumps({"another": next(iter(json.loads(answer).values()))}).encode(),
        lambda _answer: b'{"error": "no"}',
    ],
    ids=["under its id", "under another id", "an error"],
)
def test_the_record_of_another_run_is_none_of_this_one(folder: Path, host: AnsweringHost, other: Any) -> None:
    host.spoil = lambda path, answer, text: other(answer) if path.startswith("/history") and text == "a" else answer
    result, (wrong, right) = start(folder, [{"Sampler.text": text} for text in "ab"], retry=1)
    assert (wrong.state, wrong.attempts, wrong.files, right.state, result.status) == (FAILED, 2, [], DONE, 1)


def test_a_server_that_goes_away_while_rows_are_planned_is_waited_for(folder: Path, host: AnsweringHost) -> None:
    away = {"for": 5}

    def spoil(path: str, answer: bytes, _text: str) -> bytes | tuple[int, bytes]:
        if sum(host.asked.values()) > 2 and away["for"]:
            away["for"] -= 1
            return 502, b""
        return answer

    host.spoil = spoil
    host.report = {"findings": []}
    assert start(folder, [{"Sampler.text": "a"}], patience=5.0)[0].status == 0
    away["for"] = 10**9
    host.asked.clear()
    with pytest.raises(BatchError, match="did not come back within 0.05 s"):
        start(folder, [{"Sampler.text": "b"}], patience=0.05)
    host.asked.clear()
    host.spoil = lambda _path, _answer, _text: (502, b"")
    with pytest.raises(ClientError):
        start(folder, [{"Sampler.text": "b"}], patience=60.0)  # one that was never there is told of at once


def test_any_message_of_the_websocket() -> None:
    chance = random.Random(13)
    state = {"node_id": "3", "display_node_id": "3", "state": "running", "value": 2, "max": 4}
    messages = [
        {"type": "execution_cached", "data": {"prompt_id": "p", "nodes": ["1"]}},
        {"type": "executing", "data": {"prompt_id": "p", "node": "3", "display_node": "3"}},
        {"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"3": state}}},
        {"type": "progress", "data": {"prompt_id": "p", "node": "3", "value": 2, "max": 4}},
        {"type": "execution_error", "data": {"prompt_id": "p", "exception_type": "ExecutionBlocked"}},
    ]
    for _ in range(1000):
        message = json.loads(spoilt(json.dumps(chance.choice(messages)).encode(), chance))
        if isinstance(message, dict):
            assert isinstance(is_end(message), bool)
            assert all(str(event) for event in Reader().read(message))


NAMES = (
    "../../x.png",
    "/etc/passwd",
    "C:\\x.png",
    "CON.png",
    "x" * 10_000 + ".png",
    "a\0.png",
    "a\n.png",
    "a.png/..",
    ".png",
    "\ud800",
)
KINDS = {"a.webp": ".webp", "a.PNG": ".png", "a.mp4": ".mp4", "a.glb": ".glb", "a": ".png"}
RUN = ("a.bat", "a.exe", "a.html", "a.lnk", "a.scr", "a.png.hta", "a.url")


@pytest.mark.parametrize("name", [*NAMES, *KINDS, *RUN])
def test_no_name_of_a_server_is_that_of_a_file_here(
    folder: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folders = ("", "../..", "/etc", "x\0", "y" * 10_000)

    def spoil(path: str, answer: bytes, text: str) -> bytes:
        if not path.startswith("/history"):
            return answer
        (told,) = json.loads(answer).items()
        told[1]["outputs"] = {"4": {"images": [{"filename": name, "subfolder": folders[int(text)], "type": "output"}]}}
        return json.dumps(dict([told])).encode()

    honest = host.answer
    video = b"\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x08mdat"
    content = video if name.endswith("mp4") else picture("a")
    monkeypatch.setattr(host, "answer", lambda path, *rest: (200, content) if path == "/view" else honest(path, *rest))
    host.spoil = spoil
    _, entries = start(folder, [{"Sampler.text": str(number), "name": "row"} for number, _ in enumerate(folders)])
    suffix = KINDS.get(name, ".bin" if name in RUN else ".png")
    files = [f"pictures/0000{entry.number}_row_{entry.key[:8]}{suffix}" for entry in entries]
    assert {entry.state for entry in entries} == {DONE} and [*map(list, (entry.files for entry in entries))] == [
        [one] for one in files
    ]
    assert {one.name for one in folder.iterdir()} == {"rows.jsonl", "out"}
    assert {f"pictures/{one.name}" for one in (folder / "out" / "pictures").iterdir()} == {*files}


def test_no_picture_takes_the_place_of_another(
    folder: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the nodes are called: their names differ in letters that no file's name holds, in its case, or far behind."""
    nodes = [
        "a/b",
        "a:b",
        "A/b",
        "\U00020000" * 30,
        "\U00020000" * 31,
        "save_the_first_picture_a",
        "save_the_first_picture_b",
    ]
    picture_of = {f"{number}.png": png(number) for number, _ in enumerate(nodes)}

    def spoil(path: str, answer: bytes, _text: str) -> bytes:
        if not path.startswith("/history"):
            return answer
        (told,) = json.loads(answer).items()
        told[1]["outputs"] = {
            node: {"images": [{"filename": name}]} for node, name in zip(nodes, picture_of, strict=True)
        }
        return json.dumps(dict([told])).encode()

    def answer(path: str, params: Any, body: Any) -> tuple[int, bytes]:
        return (200, picture_of[params["filename"]]) if path == "/view" else honest(path, params, body)

    honest = host.answer
    monkeypatch.setattr(host, "answer", answer)
    host.spoil = spoil
    _, (entry,) = start(folder, [{"Sampler.text": "a", "name": "\U00020000" * 70}])
    assert entry.state == DONE and len({one.lower() for one in entry.files}) == len(nodes)
    assert [(folder / "out" / one).read_bytes() for one in entry.files] == [*picture_of.values()]
