"""A lock between processes that the system releases when its holder dies, on Linux, macOS and Windows."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None, pause: float = 0.02) -> Iterator[int]:
    """Hold the lock on the file `path` during the body; `on_wait` is called once if another process or thread has it.

    Yields the file descriptor. A child process that inherits it keeps the lock too (flock belongs to the open file), so
    an installer that outlives its killed parent still keeps others out. The file itself stays: removing it would let two
    processes lock two files of one name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _try_lock(descriptor):
            on_wait()
            while not _try_lock(descriptor):
                time.sleep(pause)
        yield descriptor
    finally:
        os.close(descriptor)
