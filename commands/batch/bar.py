"""A batch in the terminal: how many rows, how fast, how long still; or a line now and then in a log."""

import time
from collections.abc import Callable, Mapping
from typing import TextIO

from ...runs.batch.ledger import DONE, FAILED, REFUSED, SENT, WAITING
from ...runs.batch.outcome import Step
from ..terminal import LiveLine, bar

LOG_SECONDS = 30.0


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
