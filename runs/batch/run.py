"""Running a planned batch on one server: rows out, results in, the ledger kept true at every step.

Order of events for a row: a prompt id is noted in the ledger, the prompt goes out under it, the pictures come home, the row is
`done`. Whatever stops in between, the next start finds the id and asks the server for the rest.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from ..client import Client
from ..errors import CannotWrite, ClientError, RowProblem, RunLost, RunTimedOut, UnexpectedAnswer, is_away
from ..events import Event, Executing
from ..graph import with_changes
from ..results import RunResult
from .adherence import check_score, with_scores
from .collect import collect, texts_of
from .job import Job, Settings
from .ledger import SENT, Entry, Ledger
from .outcome import AWAY, Recorder, kind_of
from .patience import Patience
from .pictures import Uploads

CANCEL_SECONDS = 5


class Attempt:
    """A row on its way to a result.

    is_sent: whether its prompt went out; is_taken: whether the server said that it has it; begun: whether it began to run it;
    is_over: whether it ended, or was to be stopped.
    """

    def __init__(
        self, graph: Mapping[str, Any], entry: Entry, settings: Settings, prompt_id: str, *, is_sent: bool
    ) -> None:
        self.prompt_id = prompt_id
        self.is_sent = is_sent
        self.is_taken = is_sent
        self.begun = False
        self.is_over = False
        self._graph = graph
        self._entry = entry
        self._settings = settings

    async def result(self, client: Client, uploaded: Mapping[str, str]) -> RunResult:
        """The result of the row's run, which is started unless it went out before. Raises RowProblem and ClientError.

        uploaded: the names of the row's pictures on the server, by input. May be called again after an error, when the server
        is back.
        """
        if not self.is_sent:
            prompt = with_changes(self._graph, {**self._entry.changes, **uploaded})
            if self._settings.minimum_adherence is not None:
                prompt = with_scores(prompt)
            self.is_sent = True  # a server that goes away right now is asked for it later
            await client.submit(prompt, prompt_id=self.prompt_id)
            self.is_taken = True
        if self.is_over:
            client.discount(self.prompt_id)
        result = await self._end(client)
        self.is_over = True
        self._check(result)
        return result

    def goes_out_again(self, error: Exception) -> bool:
        """Whether `error` says that the prompt never arrived, as where the server went away while it was sent."""
        if isinstance(error, RunLost) and not self.is_taken:
            self.is_sent = False
            return True
        return False

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
            self.is_over = True
            try:
                await client.cancel(self.prompt_id)
            except UnexpectedAnswer as error:
                if is_away(error):
                    raise
                # It is there and does not stop it: the row has had its time all the same.
            raise RunTimedOut(f"did not end within {seconds:g} s and was stopped") from None

    def _note(self, event: Event) -> None:
        self.begun = self.begun or isinstance(event, Executing)

    def _check(self, result: RunResult) -> None:
        if result.left_out:
            raise RowProblem("the server ran only a part of the graph: " + "; ".join(map(str, result.left_out)))
        shown = [node for node, output in result.outputs.items() if output.raw.get("images")]
        if shown and not any(output.images for output in result.outputs.values()):
            raise RowProblem(f"what node {shown[0]} shows is no picture file that the server names")
        if self._settings.minimum_adherence is not None:
            check_score(result, self._settings.minimum_adherence)


class Runner:
    """Runs the waiting rows of `ledger` through `client`; what becomes of them goes to `recorder`."""

    def __init__(self, job: Job, client: Client, ledger: Ledger, recorder: Recorder):
        self._job = job
        self._client = client
        self._ledger = ledger
        self._recorder = recorder
        self._uploads = Uploads(client)
        self._patience = Patience(client, job.settings.patience)
        self._taken: set[str] = set()
        self._noted: dict[str, str] = {}

    async def run(self) -> None:
        """Until no row waits. Raises BatchError when nothing more can run; what was done stays done."""
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._job.settings.ahead))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while (entry := self._ledger.next_row(self._taken)) is not None:
            self._taken.add(entry.key)
            try:
                await self._row(entry)
            finally:
                self._taken.discard(entry.key)

    async def _row(self, entry: Entry) -> None:
        """Until the row ended, well or badly, on a server that may be away meanwhile."""
        earlier = entry.prompt_id if entry.state == SENT and entry.server == self._client.address else None
        prompt_id = earlier or str(uuid.uuid4())
        attempt = Attempt(self._job.graph, entry, self._job.settings, prompt_id, is_sent=earlier is not None)
        while True:
            try:
                await self._bring_home(entry, attempt, is_own=earlier is None)
                return
            except (RowProblem, ClientError) as error:
                self._uploads.forget()
                if attempt.goes_out_again(error):
                    continue
                kind = kind_of(error)
                if kind != AWAY:
                    self._recorder.ended(entry, kind, str(error), begun=attempt.begun)
                    return
                self._recorder.tell(str(error))
                # The row stays as it is: what was sent is asked after again, for the server may have gone on with it.
                await self._patience.until_back(entry.key, error)

    async def _bring_home(self, entry: Entry, attempt: Attempt, *, is_own: bool) -> None:
        uploaded: Mapping[str, str] = {}
        if not attempt.is_sent:
            uploaded = await self._uploads.names(entry.pictures)
            self._note_sent(entry, attempt.prompt_id)
        try:
            result = await attempt.result(self._client, uploaded)
        except asyncio.CancelledError:
            # What an earlier start sent goes on, as it did when that one ended.
            if is_own and await attempt.withdraw(self._client):
                self._ledger.put_back(entry.key, lost=False)
            raise
        try:
            files = await collect(self._client, entry, result, self._job.out)
        except OSError as error:
            raise CannotWrite(self._job.out, error.strerror or error) from None
        self._recorder.done(entry, files, texts_of(result), result.seconds)

    def _note_sent(self, entry: Entry, prompt_id: str) -> None:
        if self._noted.get(entry.key) != prompt_id:
            self._noted[entry.key] = prompt_id
            self._ledger.send(entry.key, prompt_id, self._client.address)
