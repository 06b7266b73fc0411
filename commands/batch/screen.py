"""What a batch shows in the terminal: the plan, how many rows and how fast, what came out; on one server or on several."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from ...runs.batch.batch import Display
from ...runs.batch.ledger import DONE, FAILED, REFUSED, SENT, WAITING, Ledger
from ...runs.batch.outcome import Step
from ...runs.batch.plan import Plan
from ...runs.batch.summary import DATA, TABLE
from ..terminal import LiveLine, bar
from .sheet import write_sheets

LOG_SECONDS = 30.0
MOST_SHOWN = 20  # refused rows on the screen; the summary has them all
UNCHECKED = "The server has no compatibility check: whether its models fit together shows only when they run."


class Screen(Display):
    """The plan, the bar while rows run, and what came out, contact sheets included."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._out = arguments.out
        self._only_check = arguments.check
        self._strict = arguments.strict
        self._bar: BatchBar | None = None

    def planned(self, plan: Plan) -> bool:
        """Shows it. Not to be run: what is only to be checked, what has no fit row, and under --strict any that is not."""
        if not plan.models_checked:
            print(UNCHECKED)
        bad = sorted((row for row in plan.rows if row.problem), key=lambda row: row.number)
        for row in bad[:MOST_SHOWN]:
            print(f"{row.where}: {row.problem}")
        if len(bad) > MOST_SHOWN:
            print(f"… and {len(bad) - MOST_SHOWN} more")
        doubted = [row for row in plan.rows if row.objection and not row.problem]
        for row in doubted[:MOST_SHOWN]:
            print(f"{row.where} runs in spite of an error: {row.objection}")
        print(f"{len(plan.rows)} rows: {plan.fit} fit to run, {len(bad)} refused.", flush=True)
        return bool(plan.fit) and not self._only_check and not (self._strict and bad)

    def started(self, ledger: Ledger) -> None:
        """What is there already."""
        counts = ledger.counts()
        if counts[DONE]:
            left = counts[WAITING] + counts[SENT]
            print(f"{self._out} holds {counts[DONE]} of them already; {left} are left.", flush=True)
        if ledger.left_over():
            print(
                f"{ledger.left_over()} rows of earlier lists or graphs stay in the ledger and are left alone.",
                flush=True,
            )
        self._bar = BatchBar(counts, sys.stdout)

    def step(self, step: Step) -> None:
        """Moves the bar, and says what went wrong."""
        if self._bar is not None:
            self._bar.show(step)
        elif step.reason:
            print(step.reason, flush=True)

    def refresh(self) -> None:
        """The bar, with the time that has passed."""
        if self._bar is not None:
            self._bar.refresh()

    def ended(self, ledger: Ledger) -> None:
        """Contact sheets, and how many rows came out."""
        self._close_bar()
        sheets = write_sheets(ledger.entries(), self._out)
        counts = ledger.counts()
        print(", ".join(f"{number} {state}" for state, number in counts.items() if number))
        for entry in [one for one in ledger.entries() if one.state not in (DONE, REFUSED) and one.reason][:MOST_SHOWN]:
            print(f"  {entry.place}: {entry.reason}")
        print(f"{self._out / TABLE}, {DATA} and {len(sheets)} contact sheet(s)", flush=True)

    def not_written(self, reason: str) -> None:  # noqa: ARG002  (the command ends with it)
        """The rows' own pictures and the ledger are there all the same."""
        self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()


class BatchBar:
    """Shows the steps of a batch on `stream`. `counts` are the ledger's at the start."""

    def __init__(self, counts: Mapping[str, int], stream: TextIO, clock: Callable[[], float] = time.monotonic):
        self._left = counts[WAITING] + counts[SENT]
        self._total = sum(counts.values())
        self._bad = counts[FAILED] + counts[REFUSED]
        self._ended = 0
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._next_log = self._start + LOG_SECONDS
        self._live = LiveLine(stream) if stream.isatty() else None
        self._said = ""

    def show(self, step: Step) -> None:
        """Takes in one step: counts it, and says what went wrong."""
        if step.entry is not None and step.state in (DONE, FAILED):
            self._ended += 1
            self._bad += step.state == FAILED
        if step.reason:
            self._say(step)
        self.refresh()

    def refresh(self) -> None:
        """Redraws the line on a terminal; elsewhere writes one every half minute."""
        if self._live is not None:
            self._live.draw(self.line())
        elif self._clock() >= self._next_log:
            self._next_log = self._clock() + LOG_SECONDS
            print(self.line(), file=self._stream, flush=True)

    def close(self) -> None:
        """Clears the line."""
        if self._live is not None:
            self._live.clear()

    def line(self) -> str:
        """'[####----] 12/2000 rows, 1 failed, 3.1 rows/min, 10 h 41 min left'."""
        through = self._total - self._left + self._ended
        failed = f", {self._bad} failed" if self._bad else ""
        return f"{bar(through / max(1, self._total))} {through}/{self._total} rows{failed}{self._speed()}"

    def _speed(self) -> str:
        seconds = self._clock() - self._start
        if not self._ended or seconds <= 0:
            return ""
        rate = self._ended / seconds
        shown = f"{rate:.1f} rows/s" if rate >= 1 else f"{rate * 60:.1f} rows/min"
        left = self._left - self._ended
        return f", {shown}, {readable_time(left / rate)} left" if left > 0 else f", {shown}"

    def _say(self, step: Step) -> None:
        words = {FAILED: "failed: ", WAITING: "will be tried again: "}.get(step.state, "")
        text = f"{step.entry.place}: {words}{step.reason}" if step.entry else step.reason
        if text == self._said:
            return  # The rows that wait for one server all say the same.
        self._said = text
        if self._live is not None:
            self._live.clear()
        print(text, file=self._stream, flush=True)


def readable_time(seconds: float) -> str:
    """Seconds as people say them: 38521 -> '10 h 42 min'."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
