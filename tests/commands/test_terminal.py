"""The lines of a long job, on a terminal and in a log; and what is read from pip's output."""

from __future__ import annotations

import io

import pytest
from armature_pack.commands import terminal
from armature_pack.commands.private_host.workshop import PipWatcher
from armature_pack.commands.terminal import Steps, readable_size


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1234567, "1.2 MB"), (2.5e9, "2.5 GB"), (4e12, "4000.0 GB")]
)
def test_readable_size(size, text):
    assert readable_size(size) == text


def test_plain_lines(monkeypatch):
    monkeypatch.setattr(terminal, "HEARTBEAT_SECONDS", 0)
    stream = io.StringIO()
    steps = Steps(2, stream)
    with steps.step("Doing this") as step:
        step.note = "half way"
        step.beat()
        step.facts.append("3 things")
    with pytest.raises(ValueError), steps.step("Doing that"):
        raise ValueError
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[1/2] Doing this ..."
    assert "half way" in lines[1] and "done in" in lines[2] and "(3 things)" in lines[2]
    assert lines[3:] == ["[2/2] Doing that ...", lines[4]] and "did not finish" in lines[4]
    assert "\r" not in stream.getvalue()


def test_live_line_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    with Steps(1, stream).step("Doing this") as step:
        step.note = "x" * 100
        step.beat()
    drawn = stream.getvalue().split("\r")
    assert all(len(line) < 40 for line in drawn[1:-1]) and "done in" in drawn[-1]


def test_reads_pip(tmp_path):
    stream = io.StringIO()
    with Steps(1, stream).step("Installing") as step:
        watcher = PipWatcher(step, tmp_path)
        for line in (
            "  Downloading a-1-py3-none-any.whl.metadata (2.0 kB)",
            "Downloading a-1-py3-none-any.whl (1.5 MB)",
            "Using cached b-1.whl (3.0 MB)",
            "Processing /some/where/c-1.whl",
        ):
            watcher.line(line)
        watcher.beat()
        assert step.note == "processing c-1.whl"
        watcher.line("Installing collected packages: c, b, a")
    assert "(3 packages, 1.5 MB downloaded)" in stream.getvalue()
