"""`python armature.py batch` as a user calls it, against a server stub; runner and server are killed at random moments."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from armature_pack.commands.batch.options import parse_headers, parse_mapping
from armature_pack.commands.private_host.server import free_port
from armature_pack.runs.errors import BatchError
from armature_pack.tests.commands.batch.batch_process import (
    hold,
    release,
    run_command,
    start_command,
    stub_process,
    summary,
    write_batch,
)
from armature_pack.tests.runs.batch.host_stub import png
from PIL import Image


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ran.jsonl"


@pytest.fixture
def stub(port: int, log: Path) -> Iterator[subprocess.Popen[str]]:
    with stub_process(port, log, 0.01) as process:
        yield process


def options(port: int, *more: str) -> list[str]:
    return ["graph.json", "rows.csv", "--server", f"http://127.0.0.1:{port}", "--out", "out", *more]


def texts(log: Path) -> Counter[str]:
    """How often the server ran each row."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return Counter(json.loads(line)["text"] for line in lines)


def test_a_batch_from_rows_to_sheets(tmp_path: Path, port: int, log: Path, stub: object) -> None:
    write_batch(tmp_path, 85)
    out, _ = run_command("batch", tmp_path, *options(port))
    assert "85 rows: 85 fit to run, 0 refused" in out and "85 done" in out
    assert len(texts(log)) == 85
    assert [row["state"] for row in summary(tmp_path / "out")] == ["done"] * 85
    assert Image.open(tmp_path / "out" / "contact_sheet_001.jpg").size == (8 + 8 * 200, 8 + 10 * 220)
    assert Image.open(tmp_path / "out" / "contact_sheet_002.jpg").size == (8 + 5 * 200, 8 + 220)
    out, _ = run_command("batch", tmp_path, *options(port))
    assert "out holds 85 of them already; 0 are left" in out and sum(texts(log).values()) == 85


def test_bad_rows_are_told_first_and_the_rest_runs(tmp_path: Path, port: int, log: Path, stub: object) -> None:
    write_batch(tmp_path, 0)
    (tmp_path / "ok.png").write_bytes(png())
    lines = ["Picture.image,Sampler.seed,name", "ok.png,1,good", "gone.png,2,", "ok.png,x,", "../ok.png,1,"]
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    run_command("batch", tmp_path, *options(port, "--check"), status=2)
    run_command("batch", tmp_path, *options(port, "--strict"), status=2)
    assert not texts(log)
    out, _ = run_command("batch", tmp_path, *options(port), status=1)
    told = ("rows.csv, line 3: there is no picture 'gone.png'", "line 4: 'Sampler.seed' is 'x'", "lies outside")
    assert all(text in out for text in told)
    assert [row["state"] for row in summary(tmp_path / "out")] == ["done", "refused", "refused", "refused"]
    assert summary(tmp_path / "out")[0]["pictures"].startswith("pictures/00001_good_")


def test_products_without_a_list_of_rows(tmp_path: Path, port: int, log: Path, stub: object) -> None:
    write_batch(tmp_path, 0)
    (tmp_path / "prompts.txt").write_text("red\nblue\n", encoding="utf-8")
    server = ("--server", f"http://127.0.0.1:{port}", "--out", "out")
    lists = ("--vary", "p=prompts.txt", "--vary", "Sampler.seed=1..3", "--map", "p=Sampler.text")
    run_command("batch", tmp_path, "graph.json", *server, *lists)
    assert texts(log) == {"red": 3, "blue": 3}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.json", "rows.csv"], "none.json: No such file"),
        (["graph.json", "none.csv"], "there is no such file or folder"),
        (["graph.json"], "There are no rows"),
        (["graph.json", "rows.csv", "--map", "x"], "--map x: write it as COLUMN=INPUT"),
        (["graph.json", "rows.csv", "--header", "secret"], "--header: write it as 'NAME: VALUE'"),
        (["graph.json", "rows.csv", "--map", "Sampler.seed=Sampler.sed"], "did you mean 'seed'"),
        (["graph.json", "rows.csv", "--vary", "Nothing.x=1..2"], "The graph has no node 'Nothing'"),
    ],
)
def test_what_cannot_run_at_all(
    tmp_path: Path, port: int, stub: object, log: Path, arguments: list[str], told: str
) -> None:
    write_batch(tmp_path, 2)
    server = ("--server", f"http://127.0.0.1:{port}", "--out", "out")
    _, err = run_command("batch", tmp_path, *arguments, *server, status=2)
    assert err.startswith("armature: ") and told in err and "secret" not in err
    assert not texts(log)


def test_no_server(tmp_path: Path, port: int) -> None:
    write_batch(tmp_path, 2)
    _, err = run_command("batch", tmp_path, *options(port), status=2)
    assert f"No ComfyUI server answers at http://127.0.0.1:{port}: the connection was refused" in err


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_leaves_a_summary_and_the_next_start_goes_on(tmp_path: Path, port: int, log: Path) -> None:
    write_batch(tmp_path, 12)
    hold(tmp_path, 2)
    with stub_process(port, log, 0.01):
        process = start_command("batch", tmp_path, *options(port))
        while len([*(tmp_path / "out" / "pictures").glob("*.png")]) < 2:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 130 and "Traceback" not in err
        states = Counter(row["state"] for row in summary(tmp_path / "out"))
        assert states["done"] >= 1 and states["waiting"] >= 4 and not states["failed"]
        release(tmp_path)
        run_command("batch", tmp_path, *options(port))
    assert sum(texts(log).values()) <= 13, "at most the row that was cut off ran again"
    assert {row["state"] for row in summary(tmp_path / "out")} == {"done"}


def test_killing_the_runner_loses_nothing_and_doubles_nothing(tmp_path: Path, port: int, log: Path) -> None:
    rows, kills, chance = 60, 4, random.Random(4)
    write_batch(tmp_path, rows)
    with stub_process(port, log, 0.02):
        for _ in range(kills):
            before = len(texts(log))
            hold(tmp_path, before + 12)  # so that no machine is fast enough to end the batch before it is killed
            process = start_command("batch", tmp_path, *options(port))
            wait_for_rows(log, before + 3)
            time.sleep(chance.random() / 5)
            assert process.poll() is None, "the test must have killed something"
            process.kill()
            process.communicate()
        release(tmp_path)
        run_command("batch", tmp_path, *options(port))
    assert texts(log) == Counter({f"text {number}": 1 for number in range(rows)})
    assert [row["state"] for row in summary(tmp_path / "out")] == ["done"] * rows
    assert len([*(tmp_path / "out" / "pictures").glob("*.png")]) == rows


def test_killing_the_server_loses_nothing(tmp_path: Path, port: int, log: Path) -> None:
    rows, kills, chance = 60, 3, random.Random(5)
    write_batch(tmp_path, rows)
    with ExitStack() as stack:
        hold(tmp_path, 16)  # rows in each of the server's lives: three are too few for the whole batch
        server = stack.enter_context(stub_process(port, log, 0.03))
        process = start_command("batch", tmp_path, *options(port))
        before = 0
        for _ in range(kills):
            wait_for_rows(log, before + 8)
            time.sleep(chance.random() / 10)
            server.kill()
            server.wait()
            before = len(texts(log))
            server = stack.enter_context(stub_process(port, log, 0.03))
        release(tmp_path)
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert set(texts(log)) == {f"text {number}" for number in range(rows)}
    # What a server had in hand when it died has to be made again; what had come home never is.
    assert sum(texts(log).values()) <= rows + kills * 2
    assert [row["state"] for row in summary(tmp_path / "out")] == ["done"] * rows
    assert len([*(tmp_path / "out" / "pictures").glob("*.png")]) == rows


def wait_for_rows(log: Path, number: int) -> None:
    """Until the server has run so many different rows."""
    deadline = time.monotonic() + 300  # only bounds a hang
    while len(texts(log)) < number:
        assert time.monotonic() < deadline, f"only {len(texts(log))} rows ran"
        time.sleep(0.02)


def test_headers(tmp_path: Path) -> None:
    (tmp_path / "h.txt").write_text("Authorization: Bearer a:b\n\nX-Key: 1\n", encoding="utf-8")
    assert parse_headers([f"@{tmp_path / 'h.txt'}", "A: b"]) == {"Authorization": "Bearer a:b", "X-Key": "1", "A": "b"}
    for text in ("no colon", ": value", "Näme: x", "Name:", "@/no/such/file"):
        with pytest.raises(BatchError, match="--header"):
            parse_headers([text])
    assert parse_mapping(["p = A.b=c"]) == {"p": "A.b=c"}
