"""Rows through a server that answers like the host: results, failures, retries, and everything that goes away meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.batch import patience
from armature_pack.runs.batch import run as run_module
from armature_pack.runs.batch.adherence import check_measured
from armature_pack.runs.batch.batch import exit_status
from armature_pack.runs.batch.columns import find_columns
from armature_pack.runs.batch.job import Job, Request, Settings
from armature_pack.runs.batch.ledger import DONE, FAILED, REFUSED, SENT, WAITING, Entry, Ledger
from armature_pack.runs.batch.outcome import Recorder, Step
from armature_pack.runs.batch.plan import PlannedRow, plan_rows
from armature_pack.runs.batch.rows import Row
from armature_pack.runs.batch.run import Runner
from armature_pack.runs.batch.summary import write_summary
from armature_pack.runs.client import Client
from armature_pack.runs.errors import BatchError
from armature_pack.runs.wire import Secrets
from armature_pack.tests.runs.batch.host_stub import GRAPH, OBJECT_INFO, HostStub, png

Values = dict[str, Any]


def planned(folder: Path, *values: Values) -> list[PlannedRow]:
    columns = find_columns(GRAPH, dict.fromkeys(name for one in values for name in one), OBJECT_INFO)
    return plan_rows(GRAPH, [Row(f"row {n}", one) for n, one in enumerate(values, 1)], columns, folder)


def texts(*given: str) -> list[Values]:
    return [{"Sampler.text": text} for text in given]


async def run(
    address: str,
    ledger: Ledger,
    out: Path,
    headers: dict[str, str] | None = None,
    on_step: Callable[[Step], object] = lambda _step: None,
    **settings: Any,
) -> None:
    async with Client(address, headers, patience=1) as client:
        job = Job(GRAPH, Request(), out, Secrets(address, headers or {}), Settings(**settings))
        await Runner(job, client, ledger, Recorder(job, ledger, on_step)).run()


def batch(tmp_path: Path, values: list[Values], stub: HostStub | None = None, **settings: Any) -> dict[int, Entry]:
    """One start of a batch on a server of its own; the rows' states and reasons by number."""

    async def whole() -> None:
        async with (stub or HostStub()).serving() as address:
            await run(address, ledger, tmp_path / "out", **settings)

    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, *values))
        asyncio.run(whole())
        return {entry.number: entry for entry in ledger.entries()}


def test_rows_come_out_once_and_only_what_is_left_runs_again(tmp_path: Path) -> None:
    stub = HostStub()
    entries = batch(tmp_path, texts("a", "b", "c"), stub)
    assert [entry.state for entry in entries.values()] == [DONE] * 3
    assert all((tmp_path / "out" / file).read_bytes() == png() for entry in entries.values() for file in entry.files)
    assert sorted(ran["text"] for ran in stub.ran) == ["a", "b", "c"]

    again = HostStub()
    more = batch(tmp_path, texts("d", "a", "b"), again)
    assert [ran["text"] for ran in again.ran] == ["d"]
    assert [more[number].state for number in (1, 2, 3)] == [DONE] * 3
    assert more[2].files == entries[1].files
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 4


def test_a_failed_row_is_told_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    entries = batch(tmp_path, texts("a", "fail", "refuse me", "b"))
    assert [entries[number].state for number in (1, 2, 3, 4)] == [DONE, FAILED, FAILED, DONE]
    assert entries[2].reason == "Node 3 (Sampler) failed: out of luck"
    assert "not wanted" in entries[3].reason


def test_retry(tmp_path: Path) -> None:
    steps: list[Step] = []
    stub = HostStub()
    entries = batch(tmp_path, texts("fail twice", "b", "fail", "refuse"), stub, retry=2, on_step=steps.append)
    assert [entries[number].state for number in (1, 2, 3, 4)] == [DONE, DONE, FAILED, FAILED]
    assert [entries[number].attempts for number in (1, 2, 3, 4)] == [3, 1, 3, 1]
    assert [step.state for step in steps].count(WAITING) == 4
    assert stub.ran[1]["text"] == "b", "a second try comes after the rows that had none"


def test_starting_again_tries_what_failed(tmp_path: Path) -> None:
    assert batch(tmp_path, texts("fail"))[1].state == FAILED
    stub = HostStub()
    stub.failures["fail twice"] = 2
    entry = batch(tmp_path, texts("fail"), stub)[1]
    assert (entry.state, entry.attempts, len(stub.ran)) == (FAILED, 2, 1)


def test_too_little_adherence_is_tried_again_with_other_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {**GRAPH, "7": {"class_type": "ArmatureControlAdherence", "inputs": {"image": ["3", 0]}}}
    monkeypatch.setitem(globals(), "GRAPH", measured)
    check_measured(measured)
    with pytest.raises(BatchError, match="needs a Control Adherence node"):
        check_measured({})
    # The stub's score grows by 0.3 with each other seed: 0.1, 0.4, 0.7.
    rows = [{"Sampler.seed": 1}, {"Sampler.seed": 9}]
    entries = batch(tmp_path, rows, minimum_adherence=0.6, retry=2)
    assert [(entry.state, entry.attempts) for entry in entries.values()] == [(DONE, 3), (DONE, 1)]
    assert entries[1].changes == {"3.seed": 2_000_007}, "the summary tells the seed that made the picture"
    entry = batch(tmp_path / "strict", rows[:1], minimum_adherence=0.6)[1]
    assert entry.state == FAILED and entry.reason == "its adherence is 0.1, below 0.6"


def test_pictures_go_up_once_each_by_content(tmp_path: Path) -> None:
    (tmp_path / "x y.png").write_bytes(png(1))
    (tmp_path / "z.png").write_bytes(png(2))
    values = [{"Picture.image": name, "Sampler.seed": seed} for name in ("x y.png", "z.png") for seed in range(3)]
    stub = HostStub()
    batch(tmp_path, values, stub)
    assert len(stub.uploads) == 2
    assert len({ran["loaded"] for ran in stub.ran}) == 2
    assert all(ran["loaded"].startswith("armature_batch/") for ran in stub.ran)


def test_a_picture_that_vanishes_after_the_check_fails_its_row_alone(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(1))
    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, {"Picture.image": "x.png"}, {"Sampler.text": "b"}))
        (tmp_path / "x.png").unlink()

        async def whole() -> None:
            async with HostStub().serving() as address:
                await run(address, ledger, tmp_path / "out")

        asyncio.run(whole())
        assert [entry.state for entry in ledger.entries()] == [FAILED, DONE]


def test_a_full_disk_on_the_server_stops_the_batch(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="The server's disk is full .* Make room there"):
        batch(tmp_path, texts("a", "full", "b", "c"), ahead=1)
    with Ledger(tmp_path / "out") as ledger:
        assert (ledger.counts()[DONE], ledger.counts()[WAITING]) == (1, 3)


def test_a_folder_that_takes_nothing_stops_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_room(*_: Any) -> list[str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_module, "collect", no_room)
    with pytest.raises(BatchError, match="cannot be written to .*: No space left on device. Make room"):
        batch(tmp_path, texts("a"))
    monkeypatch.undo()
    assert batch(tmp_path, texts("a"))[1].state == DONE


def test_a_slow_row_is_stopped(tmp_path: Path) -> None:
    entry = batch(tmp_path, texts("a"), HostStub(seconds=5), row_seconds=0.2)[1]
    assert entry.state == FAILED and "did not end within 0.2 s" in entry.reason


def test_a_runner_that_was_killed_finds_its_run_again(tmp_path: Path) -> None:
    """The prompt went out, the runner died, the server went on: nothing is sent twice."""
    stub = HostStub()

    async def whole(ledger: Ledger) -> None:
        async with stub.serving() as address:
            async with Client(address) as client:
                await client.submit(GRAPH, prompt_id="0b7f5b1e-3c55-4d7a-9a52-0f7e3a1f9c11")
                ledger.send(ledger.next_rows(WAITING)[0].key, "0b7f5b1e-3c55-4d7a-9a52-0f7e3a1f9c11", address)
            await run(address, ledger, tmp_path / "out")

    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, {"Sampler.text": "a room"}))
        asyncio.run(whole(ledger))
        assert ledger.counts()[DONE] == 1 and len(stub.ran) == 1


def test_a_run_that_never_reached_the_server_is_sent_again(tmp_path: Path) -> None:
    stub = HostStub()

    async def whole(ledger: Ledger) -> None:
        async with stub.serving() as address:
            ledger.send(ledger.next_rows(WAITING)[0].key, "0b7f5b1e-3c55-4d7a-9a52-0f7e3a1f9c11", address)
            await run(address, ledger, tmp_path / "out")

    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, {"Sampler.text": "a room"}))
        asyncio.run(whole(ledger))
        (entry,) = ledger.entries()
        assert (entry.state, entry.attempts, entry.losses) == (DONE, 2, 0)


def test_a_row_that_ends_the_server_each_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.05)
    stub = HostStub(seconds=0.3)
    original = stub._finish

    def finish(prompt_id: str, body: dict[str, Any]) -> None:
        if body["prompt"]["3"]["inputs"]["text"] == "deadly":
            stub.pending.clear()  # a restart forgets queue and history alike
            stub.history.clear()
            for socket in stub._sockets.values():
                assert socket._writer is not None
                socket._writer.transport.abort()
        else:
            original(prompt_id, body)

    monkeypatch.setattr(stub, "_finish", finish)
    entries = batch(tmp_path, texts("deadly", "b"), stub)
    assert entries[1].state == FAILED and "went away 3 times" in entries[1].reason
    assert entries[2].state == DONE


def test_a_server_that_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.05)
    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, *texts("a", "b")))
        with pytest.raises(BatchError, match="did not come back within 0.2 s. Nothing is lost"):
            asyncio.run(run("http://127.0.0.1:9", ledger, tmp_path / "out", patience=0.2))
        assert ledger.counts()[DONE] == 0
    assert batch(tmp_path, texts("a", "b"))[2].state == DONE


def test_stopping_takes_the_rows_off_the_server(tmp_path: Path) -> None:
    stub = HostStub(seconds=30)

    async def whole(ledger: Ledger) -> None:
        async with stub.serving() as address:
            task = asyncio.create_task(run(address, ledger, tmp_path / "out"))
            while len(stub.pending) < 2:
                await asyncio.sleep(0.02)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert not stub.pending

    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, *texts("a", "b", "c")))
        asyncio.run(whole(ledger))
        assert ledger.counts() == {WAITING: 3, SENT: 0, DONE: 0, FAILED: 0, REFUSED: 0}


def test_credentials_are_nowhere_in_the_folder(tmp_path: Path) -> None:
    stub = HostStub(headers={"X-Token": "hush-hush-1"})

    async def whole(ledger: Ledger) -> None:
        async with stub.serving() as address:
            secret = address.replace("http://", "http://ann:pass-word-2@") + "?key=query-3-secret"
            await run(secret, ledger, tmp_path / "out", headers={"X-Token": "hush-hush-1"})
            with pytest.raises(BatchError, match="HTTP 401"):
                ledger.plan(planned(tmp_path, *texts("b")))
                await run(secret, ledger, tmp_path / "out")

    with Ledger(tmp_path / "out") as ledger:
        ledger.plan(planned(tmp_path, *texts("a", "fail hush-hush-1")))
        asyncio.run(whole(ledger))
        write_summary(GRAPH, ledger, tmp_path / "out")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"pass-word-2" not in everything and b"query-3-secret" not in everything
    assert Secrets("http://u:pass-word-2@h?key=query-3", {"A": "Bearer tok-en"}).hide(
        "x pass-word-2 tok-en query-3"
    ) == ("x *** *** ***")


def test_summary(tmp_path: Path) -> None:
    batch(tmp_path, [{"Sampler.text": "=1+1", "name": "ä/b"}, {"Sampler.text": "fail", "Sampler.seed": 4}])
    with Ledger(tmp_path / "out") as ledger:
        write_summary(GRAPH, ledger, tmp_path / "out")
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["Sampler.text"] == "'=1+1", "a spreadsheet must not run it"
    assert first["pictures"].startswith("pictures/00001_ä_b_") and first["state"] == "done"
    assert (second["Sampler.seed"], second["state"]) == ("4", "failed")
    data = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert data["schema"] == "armature.batch/1" and data["counts"]["done"] == 1
    assert data["rows"][0]["inputs"] == {"Sampler.text": "=1+1"}


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '"=1"',
    "＝1",
    "a;=1",
    'a;"=1',
    "a\n-1",
    "a\t@b",
)


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_of_the_summary_is_run_by_a_spreadsheet(tmp_path: Path, text: str, delimiter: str) -> None:
    """Names, texts, reasons, places and headers, read with whichever separator a spreadsheet takes."""
    title = f"{text}.text"
    graph = {**GRAPH, "3": {**GRAPH["3"], "_meta": {"title": text}}}
    reason = f"{text} went wrong"
    with Ledger(tmp_path / "out") as ledger:
        row = PlannedRow(1, "k", text, f"{text}.csv, line 2", {"3.text": text, "3.seed": -4}, {}, problem=reason)
        ledger.plan([row])
        write_summary(graph, ledger, tmp_path / "out")
    content = (tmp_path / "out" / "summary.csv").read_text(encoding="utf-8")
    cells = [cell for line in csv.reader(content.splitlines(), delimiter=delimiter) for cell in line]
    begins = {one.lstrip(' "\t\r\n')[:1] for one in cells if one != "-4"}
    assert "'" in "".join(cells) and not begins & set("=+-@＝")
    if delimiter == ",":
        data = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["rows"][0]
        assert (data["name"], data["inputs"][title], data["reason"]) == (text, text, reason), (
            "JSON has them as they are"
        )
        assert ",-4" in content, "numbers stay numbers"


def test_halves_of_characters_reach_the_summary(tmp_path: Path) -> None:
    with Ledger(tmp_path / "out") as ledger:
        ledger.plan([PlannedRow(1, "k", "a\ud800", "r", {"3.text": "b\udc00"}, {})])
        ledger.finish("k", ["pictures/a.png"], {"9": ["c\ud800"]}, 1.0)
        write_summary(GRAPH, ledger, tmp_path / "out")
    data = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert data["rows"][0]["texts"] == {"9": ["c?"]} and data["rows"][0]["state"] == "done"


def test_the_ledger_has_one_writer_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(BatchError, match="Another batch is writing to"):
        Ledger(tmp_path)
    data = sqlite3.connect(tmp_path / "ledger.sqlite")
    data.execute("PRAGMA user_version = 99")
    data.close()
    with pytest.raises(BatchError, match="newer Armature"):
        Ledger(tmp_path)
    (tmp_path / "ledger.sqlite").write_bytes(b"no database at all, but text" * 40)
    with pytest.raises(BatchError, match="cannot be used"):
        Ledger(tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(BatchError, match="cannot be used"):
        Ledger(tmp_path / "file")


def test_exit_status() -> None:
    none = dict.fromkeys((WAITING, SENT, DONE, FAILED, REFUSED), 0)
    assert exit_status({**none, DONE: 2}) == 0
    assert exit_status({**none, DONE: 2, REFUSED: 1}) == 1
    assert exit_status({**none, FAILED: 1}) == 2
    assert exit_status({**none, WAITING: 1}) == 2
