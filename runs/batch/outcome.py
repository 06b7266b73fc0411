"""One row on one server: following its run to the end, judging it, and what kind of end it had."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..client import Client
from ..errors import (
    BatchError,
    PromptRefused,
    RowProblem,
    RunFailed,
    RunInterrupted,
    RunLost,
    RunTimedOut,
    ServerUnreachable,
    UnexpectedAnswer,
)
from ..events import Executing, Failed, Finished
from ..results import RunResult
from ..wire import Secrets
from .adherence import TooLittleAdherence, check_score, other_seeds
from .ledger import DONE, FAILED, WAITING, Entry, Ledger

AWAY_ANSWERS = frozenset({429, 502, 503, 504})  # of a server, or of a proxy before it, that will be there again
DISK_FULL = ("No space left on device", "disk is full", "There is not enough space on the disk")
# How a row's try can end badly: trying again may help; other seeds may; nothing will; the server lost it; the server is
# away; nothing more can run at all; the server's disk is full.
FAULT, LOW, FINAL, LOST, AWAY, STOP, FULL = KINDS = ("fault", "low", "final", "lost", "away", "stop", "full")


def kind_of(error: Exception) -> str:
    """Which of KINDS an error is."""
    if isinstance(error, RunLost):
        return LOST
    if isinstance(error, ServerUnreachable):
        return AWAY
    if isinstance(error, UnexpectedAnswer) and error.status in (401, 403):
        return STOP
    if isinstance(error, UnexpectedAnswer) and error.status in AWAY_ANSWERS:
        return AWAY
    if isinstance(error, RunFailed) and any(words in str(error) for words in DISK_FULL):
        return FULL
    if isinstance(error, TooLittleAdherence):
        return LOW
    # A refused prompt would be refused again; an interruption was somebody's wish.
    return FINAL if isinstance(error, PromptRefused | RunInterrupted) else FAULT


async def watch(client: Client, prompt_id: str, seconds: float | None, on_begin: Callable[[], object]) -> RunResult:
    """The result of a run that was submitted; stops it after `seconds`. Raises what the run ended with."""
    try:
        return await asyncio.wait_for(_end_of(client, prompt_id, on_begin), seconds)
    except asyncio.TimeoutError:
        await client.cancel(prompt_id)
        raise RunTimedOut(f"did not end within {seconds:g} s and was stopped") from None


async def _end_of(client: Client, prompt_id: str, on_begin: Callable[[], object]) -> RunResult:
    async with contextlib.aclosing(client.follow(prompt_id)) as events:
        async for event in events:
            if isinstance(event, Executing):
                on_begin()
            elif isinstance(event, Finished):
                return event.result
            elif isinstance(event, Failed):
                raise event.error
    raise AssertionError("follow ends with Finished or Failed")


def check_result(result: RunResult, minimum_adherence: float | None) -> None:
    """Raises RowProblem when only a part of the graph ran, or a picture follows its map too little."""
    if result.left_out:
        raise RowProblem("the server ran only a part of the graph: " + "; ".join(map(str, result.left_out)))
    if minimum_adherence is not None:
        check_score(result, minimum_adherence)


# What happens to a row, put into the ledger and told to whoever watches; the same wherever the row ran.

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
