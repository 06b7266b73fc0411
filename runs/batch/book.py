"""What happens to a row, put into the ledger and told to whoever watches; the same wherever the row ran."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .adherence import other_seeds
from .errors import BatchError
from .ledger import DONE, FAILED, WAITING, Entry, Ledger
from .one_row import FINAL, FULL, LOST, LOW, STOP
from .secrets import Secrets

MOST_LOSSES = 3  # a row that was running each time the server died may be what kills it


@dataclass(frozen=True)
class Step:
    """What just happened: a row ended in `state` (or went back to waiting), or, without `entry`, a word on the server."""

    entry: Entry | None
    state: str
    reason: str = ""


class Book:
    """Keeps the ledger of one batch. `retry`: further tries of a row that failed."""

    def __init__(
        self,
        graph: Mapping[str, Any],
        ledger: Ledger,
        secrets: Secrets,
        retry: int,
        on_step: Callable[[Step], object],
    ):
        self._graph = graph
        self._ledger = ledger
        self._secrets = secrets
        self._retry = retry
        self._on_step = on_step

    def done(self, entry: Entry, files: Sequence[str], texts: Mapping[str, Any], seconds: float | None) -> None:
        """A row came out."""
        note = "" if files else "the graph gave no picture"
        self._ledger.finish(entry.key, files, texts, seconds, note)
        self._on_step(Step(entry, DONE, note))

    def ended(self, entry: Entry, kind: str, reason: str, *, begun: bool) -> None:
        """A row's try ended badly (`one_row.KINDS`). Raises BatchError when nothing more can run."""
        reason = self._secrets.hide(reason)
        if kind == STOP:
            raise BatchError(reason)
        if kind == FULL:
            self._ledger.put_back(entry.key, lost=False)
            raise BatchError(f"The server's disk is full ({reason}). Make room there, then run the same command again.")
        if kind == LOST:
            self._lost(entry, reason, begun)
        else:
            self._failed(entry, kind, reason)

    def tell(self, reason: str) -> None:
        """A word on a server."""
        self._on_step(Step(None, WAITING, self._secrets.hide(reason)))

    def _failed(self, entry: Entry, kind: str, reason: str) -> None:
        again = entry.tries < self._retry and kind != FINAL
        if again and kind == LOW:
            self._ledger.change(entry.key, other_seeds(self._graph, entry.changes))
        self._ledger.fail(entry.key, reason, again=again)
        self._on_step(Step(entry, WAITING if again else FAILED, reason))

    def _lost(self, entry: Entry, reason: str, is_suspect: bool) -> None:
        if is_suspect and entry.losses + 1 >= MOST_LOSSES:
            reason = f"the server went away {MOST_LOSSES} times while this row was on it"
            self._ledger.fail(entry.key, reason, again=False)
            self._on_step(Step(entry, FAILED, reason))
            return
        # A row that still waited in the queue did not end the server.
        self._ledger.put_back(entry.key, lost=is_suspect)
        self._on_step(Step(entry, WAITING, reason))
