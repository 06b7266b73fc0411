"""A disk that takes nothing more, at any moment: a sentence, exit status 2, and the same command goes on."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from armature_pack.commands import command_line
from armature_pack.runs.batch.batch import batch
from armature_pack.tests.commands.batch.batch_process import summary, write_batch
from armature_pack.tests.file_limit import files_up_to
from armature_pack.tests.runs.answering import AnsweringHost
from armature_pack.tests.server_fixture import find_host

if sys.platform == "win32":
    pytest.skip("limits the size of files as POSIX does", allow_module_level=True)

ROWS = 12


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AnsweringHost:
    write_batch(tmp_path, ROWS)
    monkeypatch.chdir(tmp_path)
    for name, value in find_host().environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [*sys.path])
    host = AnsweringHost()
    host.install(monkeypatch)
    return host


def start(monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    """One start of the command, in this process."""
    monkeypatch.setenv(command_line.INSIDE, "1")
    return command_line.main(["batch", "graph.json", "rows.csv", "--out", "out", "--patience", "1", *more])


def test_a_full_disk_at_any_moment(
    tmp_path: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The ledger's first page, its plan, its log while rows run, contact sheets; the pictures are the smallest of all.
    moments: Counter[str] = Counter()
    for size in (100, 3_000, 9_000, 20_000, 28_000, 40_000, 60_000, 80_000, 100_000, 130_000):
        shutil.rmtree("out", ignore_errors=True)
        with files_up_to(size):
            status = start(monkeypatch)
        told = capsys.readouterr()
        if status == 0:
            break
        assert status == 2 and told.err.startswith("armature: The "), told
        moments[told.err[:30]] += 1
        first = {path.name: path.read_bytes() for path in Path("out").glob("pictures/*")}
        assert start(monkeypatch) == 0, capsys.readouterr()
        kept = {path.name: path.read_bytes() for path in Path("out").glob("pictures/*")}
        assert len(kept) == ROWS and first.items() <= kept.items()
        assert [row["state"] for row in summary(tmp_path / "out")] == ["done"] * ROWS
    assert len(moments) == 2 and sum(moments.values()) >= 5, moments


def test_a_summary_that_cannot_be_written_is_status_2(
    tmp_path: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "summary.json" / "in the way").mkdir(parents=True)
    assert start(monkeypatch) == 2 and "cannot be written" in capsys.readouterr().err
    result = batch(tmp_path / "graph.json", tmp_path / "rows.csv", server="http://127.0.0.1:8188", out=tmp_path / "out")
    assert (result.status, result.counts["done"]) == (2, ROWS) and "cannot be written" in result.stopped
    shutil.rmtree("out/summary.json")
    assert start(monkeypatch) == 0


def test_a_folder_that_goes_away_meanwhile(
    tmp_path: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a network drive does."""

    def spoil(path: str, answer: bytes, text: str) -> bytes:
        if path == "/view" and text == "text 5" and host.asked["/view"] < 10:
            shutil.rmtree("out")
        return answer

    host.spoil = spoil
    status = start(monkeypatch)
    assert status in (0, 2), "SQLite need not notice"
    told = capsys.readouterr().err
    assert (status == 2) == told.startswith("armature: The results cannot be written")
    assert start(monkeypatch) == 0


def test_pictures_that_appear_late_and_a_clock_that_jumps(
    tmp_path: Path, host: AnsweringHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a network drive a file may be seen some time after it was moved into place."""
    clock = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(clock, -5.0)))
    hidden = tmp_path / "hidden"

    def spoil(path: str, answer: bytes, text: str) -> bytes:
        if path == "/view" and text == "text 11" and not hidden.exists():
            (tmp_path / "out" / "pictures").rename(hidden)
        return answer

    host.spoil = spoil
    assert start(monkeypatch) == 0
    shutil.copytree(hidden, tmp_path / "out" / "pictures", dirs_exist_ok=True)
    # What was half written when the folder moved comes back with it.
    assert start(monkeypatch) == 0 and len(list((tmp_path / "out" / "pictures").glob("[!.]*.png"))) == ROWS
    data = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert all((tmp_path / "out" / name).is_file() for row in data["rows"] for name in row["pictures"])
