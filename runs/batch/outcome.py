"""What became of a row: the kind of end its try had, noted in the ledger and told to whoever watches."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import (
    BatchError,
    PromptRefused,
    RunFailed,
    RunInterrupted,
    RunLost,
    UnexpectedAnswer,
    is_away,
)
from .adherence import TooLittleAdherence, other_seeds
from .job import Job
from .ledger import DONE, FAILED, WAITING, Entry, Ledger

DISK_FULL = ("No space left on device", "disk is full", "There is not enough space on the disk")
# How a row's try can end badly: trying again may help; other seeds may; nothing will; the server lost it; the server is
# away; nothing more can run at all; the server's disk is full.
FAULT, LOW, FINAL, LOST, AWAY, STOP, FULL = KINDS = ("fault", "low", "final", "lost", "away", "stop", "full")


def kind_of(error: Exception) -> str:
    """Which of KINDS an error is."""
    if isinstance(error, RunLost):
        return LOST
    if is_away(error):
        return AWAY
    if isinstance(error, UnexpectedAnswer) and error.status in (401, 403):
        return STOP
    if isinstance(error, RunFailed) and any(words in str(error) for words in DISK_FULL):
        return FULL
    if isinstance(error, TooLittleAdherence):
        return LOW
    # A refused prompt would be refused again; an interruption was somebody's wish.
    return FINAL if isinstance(error, PromptRefused | RunInterrupted) else FAULT


MOST_LOSSES = 3  # a row that was running each time the server died may be what kills it
MOST_FORGOTTEN = 10  # times that a server may take a row, and know nothing of it afterwards


@dataclass(frozen=True)
class Step:
    """What just happened: a row ended in `state` (or went back to waiting), or, without `entry`, a word on the server."""

    entry: Entry | None
    state: str
    reason: str = ""


class Recorder:
    """Notes in `ledger` what becomes of the rows of `job`, and gives each Step to `on_step`."""

    def __init__(self, job: Job, ledger: Ledger, on_step: Callable[[Step], object]):
        self._job = job
        self._ledger = ledger
        self._on_step = on_step
        self._forgotten: Counter[str] = Counter()

    def done(self, entry: Entry, files: Sequence[str], texts: Mapping[str, Any], seconds: float | None) -> None:
        """A row came out."""
        note = "" if files else "the graph gave no picture"
        self._ledger.finish(entry.key, files, texts, seconds, note)
        self._on_step(Step(entry, DONE, note))

    def ended(self, entry: Entry, kind: str, reason: str, *, begun: bool) -> None:
        """A row's try ended badly (a kind of KINDS). Raises BatchError when nothing more can run."""
        reason = self._job.secrets.hide(reason)
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
        self._on_step(Step(None, WAITING, self._job.secrets.hide(reason)))

    def _failed(self, entry: Entry, kind: str, reason: str) -> None:
        again = entry.tries < self._job.settings.retry and kind != FINAL
        if again and kind == LOW:
            self._ledger.change(entry.key, other_seeds(self._job.graph, entry.changes))
        self._ledger.fail(entry.key, reason, again=again)
        self._on_step(Step(entry, WAITING if again else FAILED, reason))

    def _lost(self, entry: Entry, reason: str, is_suspect: bool) -> None:
        self._forgotten[entry.key] += not is_suspect
        if is_suspect and entry.losses + 1 >= MOST_LOSSES:
            self._give_up(entry, f"the server went away {MOST_LOSSES} times while this row was on it")
        elif self._forgotten[entry.key] >= MOST_FORGOTTEN:
            self._give_up(entry, f"the server took this row {MOST_FORGOTTEN} times and never ran it")
        else:
            # A row that still waited in the queue did not end the server.
            self._ledger.put_back(entry.key, lost=is_suspect)
            self._on_step(Step(entry, WAITING, reason))

    def _give_up(self, entry: Entry, reason: str) -> None:
        self._ledger.fail(entry.key, reason, again=False)
        self._on_step(Step(entry, FAILED, reason))
