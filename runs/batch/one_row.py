"""One row on one server: following its run to the end, judging it, and what kind of end it had."""

import asyncio
import contextlib
from collections.abc import Callable

from ..client import Client
from ..errors import (
    PromptRefused,
    RunFailed,
    RunInterrupted,
    RunLost,
    RunTimedOut,
    ServerUnreachable,
    UnexpectedAnswer,
)
from ..events import Executing, Failed, Finished
from ..results import RunResult
from .adherence import TooLittleAdherence, check_score
from .errors import RowProblem

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
