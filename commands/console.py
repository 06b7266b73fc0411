"""Saying what a long step does: numbered lines, and a live line where the output is a terminal."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

HEARTBEAT_SECONDS = 30.0  # how often a plain log gets a sign of life
SPINNER = "|/-\\"


def readable_size(size: float) -> str:
    """Bytes as people read them, in decimal units: 1234567 -> '1.2 MB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


class Step:
    """One running step. `note` is shown while it runs; `packages`, `downloaded` and `facts` once it is done."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self.title = title
        self.note = ""
        self.facts: list[str] = []
        self.packages = 0
        self.downloaded = 0.0  # bytes
        self._stream = stream
        self._live = stream.isatty()
        self._start = time.monotonic()
        self._next_sign = self._start + HEARTBEAT_SECONDS
        self._turns = 0

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start

    def begin(self) -> None:
        """Show the title."""
        self._write(f"{self.title} ..." if self._live else f"{self.title} ...\n")

    def beat(self) -> None:
        """Show that the step is alive; call it as often as you like."""
        self._turns += 1
        if self._live:
            mark = SPINNER[self._turns % len(SPINNER)]
            line = f"{self.title} ... {mark} {self.seconds:.0f} s  {self.note}"
            self._write("\r" + self._fitted(line))
        elif time.monotonic() >= self._next_sign:
            self._next_sign += HEARTBEAT_SECONDS
            self._write(f"      ... {self.seconds:.0f} s  {self.note}\n")

    def end(self, outcome: str) -> None:
        """Close the line with the outcome, the seconds and the facts."""
        facts = [f"{self.packages} package" + "s" * (self.packages != 1)] if self.packages else []
        facts += [f"{readable_size(self.downloaded)} downloaded"] if self.downloaded else []
        facts += self.facts
        words = f"{outcome} in {self.seconds:.1f} s" + (f" ({', '.join(facts)})" if facts else "")
        if self._live:
            self._write("\r" + self._fitted("") + "\r")
        self._write(f"{self.title} ... {words}\n" if self._live else f"      {words}\n")

    def _fitted(self, line: str) -> str:
        # One column less than there are: a full line would move the cursor to the next.
        width = shutil.get_terminal_size().columns - 1
        return line[:width].ljust(width)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Steps:
    """The numbered steps of one long job, written to `stream` (default standard output)."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._number = 0
        self._stream = stream or sys.stdout

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run the body as the next step; its line tells whether it was done or failed."""
        self._number += 1
        step = Step(f"[{self._number}/{self._total}] {title}", self._stream)
        step.begin()
        try:
            yield step
        except BaseException:
            step.end("did not finish")
            raise
        step.end("done")
