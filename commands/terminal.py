"""What people see in the terminal: numbered steps, a live line, a bar for a run, and the error that ends a command in words."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from ..common.node_names import title_of
from ..runs.events import Cached, Event, Executing, Failed, Finished, Progress

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


# The error that ends a command with a message instead of a traceback.


LONGEST_PLACE = 300


class Problem(Exception):
    """Something the user can act on; the message says what, where and what to do."""


class Unusable(Problem):
    """A place that cannot be read or written. The command ends with exit status 2, whichever it is."""


def unusable(error: OSError, place: object = None) -> Unusable:
    """The system's refusal of a place (default: the one that `error` names) as a sentence."""
    named = str(place or error.filename or "the disk, or the network")
    named = named if len(named) <= LONGEST_PLACE else f"{named[:LONGEST_PLACE]}…"
    return Unusable(f"{named}: {error.strerror or error}. Choose another place, or make this one fit.")


# A run in the terminal: one line that keeps changing, or a line per node where the output goes to a file.

BAR_WIDTH = 24


class LiveLine:
    """The last line of a terminal, drawn over and over."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._drawn = 0

    def draw(self, line: str) -> None:
        """Shows `line` instead of what was there."""
        # One column less than there are: a full line would move the cursor to the next.
        line = line[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + line.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(line)

    def clear(self) -> None:
        """Empties the line: what is printed next starts at its beginning."""
        self.draw("")
        self._stream.write("\r")
        self._stream.flush()


def bar(share: float) -> str:
    """'[######------------------]' for a share from 0 to 1."""
    filled = min(BAR_WIDTH, round(BAR_WIDTH * share))
    return f"[{'#' * filled}{'-' * (BAR_WIDTH - filled)}]"


class ProgressBar:
    """Shows the events of the run of `prompt` on `stream`. Feed it with `show`, call `close` at the end.

    On a terminal `refresh` redraws the line, so that the seconds go on while a node is silent.
    """

    def __init__(self, prompt: Mapping[str, Any], stream: TextIO, clock: Callable[[], float] = time.monotonic):
        self._prompt = prompt
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._live = stream.isatty()
        self._done: set[str] = set()
        self._node: str | None = None
        self._step: tuple[float, float] | None = None
        self._line_shown = LiveLine(stream)

    def show(self, event: Event) -> None:
        """Takes in one event and draws."""
        if isinstance(event, Cached):
            self._done.update(event.nodes)
        elif isinstance(event, Executing):
            self._leave_node()
            self._node = event.node
        elif isinstance(event, Progress) and event.max > 1:
            self._node, self._step = event.node, (event.value, event.max)
        elif isinstance(event, Finished | Failed):
            self._leave_node()
        self.refresh()

    def refresh(self) -> None:
        """Redraws the line on a terminal; does nothing elsewhere."""
        if self._live and self._node is not None:
            self._line_shown.draw(self._line())

    def close(self) -> None:
        """Clears the line: what follows starts at its beginning."""
        if self._live:
            self._line_shown.clear()

    def _leave_node(self) -> None:
        if self._node is None:
            return
        if not self._live:
            steps = f", {self._step[1]:g} steps" if self._step else ""
            print(f"  {self._seconds():6.1f} s  {self._title()}{steps}", file=self._stream, flush=True)
        self._done.add(self._node)
        self._node = self._step = None

    def _line(self) -> str:
        value, total = self._step or (0, 1)
        share = (len(self._done) + value / total) / max(len(self._prompt), 1)
        step = f"  step {value:g}/{total:g}" if self._step else ""
        return f"{bar(share)} {self._title()}{step}  {self._seconds():.0f} s"

    def _title(self) -> str:
        node = self._prompt.get(self._node or "", {})
        return title_of(node) or node.get("class_type") or f"node {self._node}"

    def _seconds(self) -> float:
        return self._clock() - self._start
