"""One try of one row on one server: its prompt goes out, its run is followed to the end, and what came out is judged."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..client import Client
from ..errors import ClientError, RowProblem, RunTimedOut
from ..events import Event, Executing
from ..results import RunResult
from .adherence import check_score, with_scores
from .job import Settings
from .ledger import Entry
from .plan import with_changes

CANCEL_SECONDS = 5


class Attempt:
    """A row on its way to a result. is_sent: whether its prompt went out; begun: whether the server began to run it."""

    def __init__(
        self, graph: Mapping[str, Any], entry: Entry, settings: Settings, prompt_id: str, *, is_sent: bool
    ) -> None:
        self.prompt_id = prompt_id
        self.is_sent = is_sent
        self.begun = False
        self._graph = graph
        self._entry = entry
        self._settings = settings

    async def result(
        self,
        client: Client,
        upload: Callable[[], Awaitable[Mapping[str, str]]],
        on_send: Callable[[], object] = lambda: None,
    ) -> RunResult:
        """The result of the row's run, which is started unless it went out before. Raises RowProblem and ClientError.

        upload: brings the row's pictures to the server and names them there, by input. on_send: called just before the server
        hears of the row. May be called again after an error, when the server is back.
        """
        if not self.is_sent:
            prompt = with_changes(self._graph, {**self._entry.changes, **await upload()})
            if self._settings.minimum_adherence is not None:
                prompt = with_scores(prompt)
            on_send()
            self.is_sent = True  # a server that goes away right now is asked for it later
            await client.submit(prompt, prompt_id=self.prompt_id)
        result = await self._end(client)
        self._check(result)
        return result

    async def withdraw(self, client: Client) -> bool:
        """Takes the row off the server, which should not go on for hours when a batch stops. Whether that worked."""
        with contextlib.suppress(ClientError, asyncio.TimeoutError):
            await asyncio.wait_for(client.cancel(self.prompt_id), CANCEL_SECONDS)
            return True
        return False

    async def _end(self, client: Client) -> RunResult:
        seconds = self._settings.row_seconds
        try:
            return await asyncio.wait_for(client.wait(self.prompt_id, self._note), seconds)
        except asyncio.TimeoutError:
            await client.cancel(self.prompt_id)
            raise RunTimedOut(f"did not end within {seconds:g} s and was stopped") from None

    def _note(self, event: Event) -> None:
        self.begun = self.begun or isinstance(event, Executing)

    def _check(self, result: RunResult) -> None:
        if result.left_out:
            raise RowProblem("the server ran only a part of the graph: " + "; ".join(map(str, result.left_out)))
        if self._settings.minimum_adherence is not None:
            check_score(result, self._settings.minimum_adherence)
