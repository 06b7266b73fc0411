"""Python's collector of garbage, which looks through all that lives again and again while much is made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """The collector rests during the body: for a second's work that makes many small things and throws few away.

    It is the whole process's. Where several rest it at once it works again as soon as the first is done, so that it never
    rests for longer than one of them takes.
    """
    was_working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_working:
            gc.enable()
