"""`python armature.py batch` as a process, and a server stub as another, for the tests of both."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from armature_pack.commands import FRONT_DOOR
from armature_pack.commands.command_line import INSIDE
from armature_pack.tests.runs.batch.host_stub import GRAPH, HOLD
from armature_pack.tests.server_fixture import find_host

STUB = Path(__file__).resolve().parents[2] / "runs" / "batch" / "host_stub.py"


def start_command(command: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A command of the front door, started in `folder` as if the host had been found already."""
    environment = {**os.environ, **find_host().environment(), INSIDE: "1"}
    return subprocess.Popen(
        [sys.executable, str(FRONT_DOOR), command, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def run_command(command: str, folder: Path, *options: str, status: int = 0, timeout: float = 600) -> tuple[str, str]:
    """What the command writes to its two outputs; it must end with `status` and without a traceback.

    `timeout` only bounds a hang.
    """
    process = start_command(command, folder, *options)
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == status, out + err
    assert "Traceback" not in err
    return out, err


@contextmanager
def stub_process(port: int, log: Path, seconds: float, *more: str) -> Iterator[subprocess.Popen[str]]:
    """The stub as a process that can be killed; `more` as it takes it."""
    with log.with_suffix(".err").open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, str(STUB), str(port), str(log), str(seconds), *more],
            stdout=errors,
            stderr=errors,
            text=True,
        )
    try:
        wait_for(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Until the stub answers on the port."""
    deadline = time.monotonic() + 120  # only bounds a hang
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/system_stats", timeout=10):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the stub did not start")


def hold(folder: Path, rows: int) -> None:
    """Let every stub whose log lies in `folder` run so many rows and no more, until `release`."""
    (folder / HOLD).write_text(str(rows), encoding="utf-8")


def release(folder: Path) -> None:
    (folder / HOLD).unlink(missing_ok=True)


def write_batch(folder: Path, rows: int) -> None:
    """graph.json and rows.csv with as many rows as wanted."""
    (folder / "graph.json").write_text(json.dumps(GRAPH), encoding="utf-8")
    lines = [f"text {number},{number}" for number in range(rows)]
    (folder / "rows.csv").write_text("\n".join(["Sampler.text,Sampler.seed", *lines]), encoding="utf-8")


def summary(folder: Path) -> list[dict[str, Any]]:
    """The lines of summary.csv."""
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
