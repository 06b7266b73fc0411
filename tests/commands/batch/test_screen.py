"""The progress of a batch, on a terminal and in a log."""

import io
from dataclasses import replace

import pytest
from armature_pack.commands.batch.screen import BatchBar, readable_time
from armature_pack.runs.batch.ledger import DONE, FAILED, REFUSED, SENT, WAITING, Entry
from armature_pack.runs.batch.outcome import Step
from armature_pack.tests.commands.test_progress_bar import Clock, Terminal

COUNTS = {WAITING: 8, SENT: 0, DONE: 10, FAILED: 0, REFUSED: 2}
ENTRY = Entry("k", 3, "", "r.csv, line 4", {}, {}, WAITING, 0, 1, 0, None, None, "", (), {}, None)


def test_rate_and_remaining_time_count_what_this_start_did() -> None:
    clock = Clock()
    bar = BatchBar(COUNTS, io.StringIO(), clock)
    assert bar.line() == "[##############----------] 12/20 rows, 2 failed"
    clock.now += 30
    bar.show(Step(ENTRY, DONE))
    assert bar.line() == "[################--------] 13/20 rows, 2 failed, 2.0 rows/min, 4 min left"
    bar.show(Step(ENTRY, FAILED, "no luck"))
    assert bar.line().startswith("[#################-------] 14/20 rows, 3 failed, 4.0 rows/min")


def test_a_log_gets_what_failed_and_a_line_now_and_then() -> None:
    clock, stream = Clock(), io.StringIO()
    bar = BatchBar(COUNTS, stream, clock)
    bar.show(Step(ENTRY, DONE))
    bar.show(Step(ENTRY, FAILED, "no luck"))
    bar.show(Step(None, WAITING, "No server answers"))
    bar.show(Step(None, WAITING, "No server answers"))
    assert stream.getvalue().splitlines() == ["r.csv, line 4: failed: no luck", "No server answers"]
    clock.now += 31
    bar.refresh()
    bar.refresh()
    assert len(stream.getvalue().splitlines()) == 3


def test_a_terminal_keeps_its_line_below_what_failed() -> None:
    stream = Terminal()
    bar = BatchBar(COUNTS, stream, Clock())
    bar.show(Step(ENTRY, DONE))
    bar.show(Step(replace(ENTRY, place="row 9"), WAITING, "busy"))
    bar.close()
    assert "\rrow 9: will be tried again: busy\n" in stream.getvalue() and stream.getvalue().endswith("\r")


@pytest.mark.parametrize(("seconds", "told"), [(4, "4 s"), (95, "2 min"), (38521, "10 h 42 min")])
def test_times(seconds: float, told: str) -> None:
    assert readable_time(seconds) == told
