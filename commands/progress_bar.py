"""A run in the terminal: one line that keeps changing, or a line per node where the output goes to a file."""

import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from ..runs.events import Cached, Event, Executing, Failed, Finished, Progress
from ..runs.titles import title_of

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
