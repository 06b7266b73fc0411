"""Following one prompt to its end: websocket messages while they come, the history when they do not."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from .answers import read_history, read_outcome, read_waiting
from .errors import ClientError, NodeProblem, RunLost, is_away
from .events import Event, Failed, Finished, Queued, Reader, is_end
from .live import Live
from .results import RunResult
from .wire import Wire

# Seconds of silence before the server is asked: the websocket stands; it does not; the end was announced and the
# history entry is due any moment.
POLL_LIVE, POLL_LOST, POLL_ENDING = 10.0, 1.0, 0.05
LONGEST_END = 10.0  # seconds for that; after them the end was none


async def history_entry(wire: Wire, prompt_id: str) -> dict[str, Any] | None:
    """The server's record of a finished prompt; None while it waits or runs, and when it is unknown."""
    return await wire.json("GET", f"/history/{prompt_id}", lambda answer: read_history(answer, prompt_id))


class Follower:
    """Follows `prompt_id`. `left_out` is what `/prompt` said about it, None when another client submitted it.

    `goes_on` is called whenever the server says that the run waits or runs.
    """

    def __init__(
        self,
        wire: Wire,
        live: Live,
        prompt_id: str,
        left_out: tuple[NodeProblem, ...] | None,
        patience: float,
        goes_on: Callable[[], None] = lambda: None,
    ):
        self._wire = wire
        self._live = live
        self._prompt_id = prompt_id
        self._left_out = left_out
        self._patience = patience
        self._goes_on = goes_on
        self._answered = time.monotonic()

    async def events(self) -> AsyncIterator[Event]:
        """All events up to Finished or Failed. Raises ServerUnreachable and RunLost."""
        box, reader, ending = self._live.open_box(self._prompt_id), Reader(), 0.0
        yield Queued(self._prompt_id)
        while True:
            messages = await box.take(self._pause(ending))
            for message in messages:
                self._goes_on()
                for event in reader.read(message):
                    yield event
                ending = ending or (time.monotonic() if is_end(message) else 0.0)
            if messages and not ending:
                continue
            outcome = await self._outcome()
            if outcome is not None:
                yield Finished(outcome) if isinstance(outcome, RunResult) else Failed(outcome)
                return

    def _pause(self, ending: float) -> float:
        """ending: when the end was announced, 0 before that."""
        if ending:
            return POLL_ENDING if time.monotonic() - ending < LONGEST_END else POLL_LOST
        # The host sends a prompt's messages to the client that submitted it, and to nobody else.
        return POLL_LIVE if self._live.trusted and self._left_out is not None else POLL_LOST

    async def _outcome(self) -> RunResult | ClientError | None:
        """How the run ended, or None for 'not yet'. A silent server counts as 'not yet' until patience ends."""
        try:
            outcome = await self._recorded()
            if outcome is None and not await self._is_waiting():
                # It may have ended between the two questions.
                outcome = await self._recorded()
                if outcome is None:
                    raise self._lost()
        except ClientError as error:
            if not is_away(error) or time.monotonic() - self._answered > self._patience:
                raise
            return None
        self._answered = time.monotonic()
        if outcome is None:
            self._goes_on()
        return outcome

    async def _recorded(self) -> RunResult | ClientError | None:
        def read(answer: Any) -> RunResult | ClientError | None:
            entry = read_history(answer, self._prompt_id)
            return None if entry is None else read_outcome(self._prompt_id, entry, self._left_out or ())

        return await self._wire.json("GET", f"/history/{self._prompt_id}", read)

    async def _is_waiting(self) -> bool:
        return self._prompt_id in await self._wire.json("GET", "/queue", read_waiting)

    def _lost(self) -> RunLost:
        return RunLost(
            f"The server at {self._wire.address} no longer knows the run {self._prompt_id}: it was restarted, or "
            "somebody removed the run from its queue or history. Queue it again."
        )
