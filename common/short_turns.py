"""How long a thread keeps Python's interpreter while another waits for it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TURN = 0.0005  # seconds; Python's own is ten times that
_guard = threading.Lock()
_inside: list[float] = []  # what was set before, once for each that is inside


@contextmanager
def short_turns() -> Iterator[None]:
    """Threads take turns ten times as often during the body: for long work beside a thread that others wait for.

    A server's thread asks for the interpreter dozens of times for one answer, and each time waits a turn of every thread
    that works. It is the whole process's; the last of several that is done sets back what was there before the first. What
    somebody else made shorter stays.
    """
    with _guard:
        _inside.append(sys.getswitchinterval())
        sys.setswitchinterval(min(_TURN, _inside[0]))
    try:
        yield
    finally:
        with _guard:
            first = _inside[0]
            _inside.pop()
            if not _inside:
                sys.setswitchinterval(first)
