"""Following one prompt to its end: websocket messages while they come, the history when they do not."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from .errors import NodeProblem, RunLost, ServerUnreachable, UnexpectedAnswer
from .events import Event, Failed, Finished, Queued, Reader, is_end
from .live import Live
from .results import RunResult, read_outcome
from .wire import Wire

# Seconds of silence before the server is asked: the websocket stands; it does not; the end was announced and the
# history entry is due any moment.
POLL_LIVE, POLL_LOST, POLL_ENDING = 10.0, 1.0, 0.05
# What a proxy answers while the server behind it restarts.
PROXY_ERRORS = frozenset({502, 503, 504})


async def history_entry(wire: Wire, prompt_id: str) -> dict[str, Any] | None:
    """The server's record of a finished prompt; None while it waits or runs, and when it is unknown."""
    _, answer = await wire.json("GET", f"/history/{prompt_id}")
    return answer.get(prompt_id)


class Follower:
    """Follows `prompt_id`. `left_out` is what `/prompt` said about it, None when another client submitted it."""

    def __init__(
        self, wire: Wire, live: Live, prompt_id: str, left_out: tuple[NodeProblem, ...] | None, patience: float
    ):
        self._wire = wire
        self._live = live
        self._prompt_id = prompt_id
        self._left_out = left_out
        self._patience = patience
        self._answered = time.monotonic()

    async def events(self) -> AsyncIterator[Event]:
        """All events up to Finished or Failed. Raises ServerUnreachable and RunLost."""
        box, reader, ending = self._live.open_box(self._prompt_id), Reader(), False
        yield Queued(self._prompt_id)
        while True:
            messages = await box.take(self._pause(ending))
            for message in messages:
                for event in reader.read(message):
                    yield event
                ending = ending or is_end(message)
            if messages and not ending:
                continue
            entry = await self._entry()
            if entry is not None:
                outcome = read_outcome(self._prompt_id, entry, self._left_out or ())
                yield Finished(outcome) if isinstance(outcome, RunResult) else Failed(outcome)
                return

    def _pause(self, ending: bool) -> float:
        if ending:
            return POLL_ENDING
        # The host sends a prompt's messages to the client that submitted it, and to nobody else.
        return POLL_LIVE if self._live.trusted and self._left_out is not None else POLL_LOST

    async def _entry(self) -> Mapping[str, Any] | None:
        """The history entry, or None for 'not yet'. A silent server counts as 'not yet' until patience ends."""
        try:
            entry = await history_entry(self._wire, self._prompt_id)
            if entry is None and not await self._is_waiting():
                # It may have ended between the two questions.
                entry = await history_entry(self._wire, self._prompt_id)
                if entry is None:
                    raise self._lost()
        except (ServerUnreachable, UnexpectedAnswer) as error:
            away = isinstance(error, ServerUnreachable) or error.status in PROXY_ERRORS
            if not away or time.monotonic() - self._answered > self._patience:
                raise
            return None
        self._answered = time.monotonic()
        return entry

    async def _is_waiting(self) -> bool:
        _, queue = await self._wire.json("GET", "/queue")
        items = [*queue.get("queue_running", ()), *queue.get("queue_pending", ())]
        return any(item[1] == self._prompt_id for item in items)

    def _lost(self) -> RunLost:
        return RunLost(
            f"The server at {self._wire.address} no longer knows the run {self._prompt_id}: it was restarted, or "
            "somebody removed the run from its queue or history. Queue it again."
        )
