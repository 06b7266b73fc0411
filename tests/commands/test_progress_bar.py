"""The progress bar, on a terminal and in a file."""

import io

import pytest
from armature_pack.commands.terminal import ProgressBar
from armature_pack.runs.events import Cached, Executing, Finished, Progress, Queued
from armature_pack.runs.results import RunResult

PROMPT = {
    "1": {"class_type": "Load", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Sampler"}},
}
DONE = Finished(RunResult("p", {}, (), 1.0))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def show_all(stream: io.StringIO) -> str:
    clock = Clock()
    bar = ProgressBar(PROMPT, stream, clock)
    for event in (
        Queued("p"),
        Cached(()),
        Executing("1"),
        Executing("2"),
        Progress("2", 1, 4),
        Progress("2", 4, 4),
        DONE,
    ):
        bar.show(event)
        clock.now += 1
    bar.close()
    return stream.getvalue()


def test_a_file_gets_a_line_per_node() -> None:
    assert show_all(io.StringIO()).splitlines() == ["     3.0 s  Load", "     6.0 s  Sampler, 4 steps"]


def test_a_terminal_gets_one_line_that_changes() -> None:
    text = show_all(Terminal())
    assert "\n" not in text
    frames = [frame.rstrip() for frame in text.split("\r") if frame.strip()]
    assert frames == [
        "[------------------------] Load  2 s",
        "[############------------] Sampler  3 s",
        "[###############---------] Sampler  step 1/4  4 s",
        "[########################] Sampler  step 4/4  5 s",
    ]
    assert text.endswith("\r"), "what is printed next starts at the beginning of the line"


def test_a_shorter_line_covers_a_longer_one() -> None:
    stream = Terminal()
    bar = ProgressBar(PROMPT, stream, Clock())
    for event in (Executing("2"), Progress("2", 1, 4), Executing("1")):
        bar.show(event)
    _, _, long, short = stream.getvalue().split("\r")
    assert len(short) == len(long) > len(short.rstrip())


def test_a_narrow_terminal_is_not_overrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert max(len(frame) for frame in show_all(Terminal()).split("\r")) == 19


def test_cached_nodes_count_as_done() -> None:
    stream = Terminal()
    bar = ProgressBar(PROMPT, stream, Clock())
    bar.show(Cached(("1",)))
    bar.show(Executing("2"))
    assert "[############------------] Sampler" in stream.getvalue()


def test_nodes_of_an_expansion_are_shown_by_id() -> None:
    stream = Terminal()
    ProgressBar(PROMPT, stream, Clock()).show(Executing("9.0.0.1"))
    assert "node 9.0.0.1" in stream.getvalue()
