"""Running a planned batch on one server: rows out, results in, the ledger kept true at every step.

Order of events for a row: a prompt id is noted in the ledger, the prompt goes out under it, the pictures come home, the row is
`done`. Whatever stops in between, the next start finds the id and asks the server for the rest.
"""

import asyncio
import contextlib
import time
import uuid

from ..client import Client
from ..errors import BatchError, ClientError, RowProblem, ServerUnreachable, UnexpectedAnswer
from .attempt import Attempt
from .collect import cannot_write, collect, texts_of
from .job import Job
from .ledger import SENT, Entry, Ledger
from .outcome import AWAY, Recorder, kind_of
from .pictures import Uploads

RETRY_SECONDS = 2.0


class Runner:
    """Runs the waiting rows of `ledger` through `client`; what becomes of them goes to `recorder`."""

    def __init__(self, job: Job, client: Client, ledger: Ledger, recorder: Recorder):
        self._job = job
        self._client = client
        self._ledger = ledger
        self._recorder = recorder
        self._uploads = Uploads(client)
        self._taken: set[str] = set()

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
                kind = kind_of(error)
                if kind != AWAY:
                    self._recorder.ended(entry, kind, str(error), begun=attempt.begun)
                    return
                self._recorder.tell(str(error))
                # The row stays as it is: what was sent is asked after again, for the server may have gone on with it.
                await self._until_back(error)

    async def _bring_home(self, entry: Entry, attempt: Attempt, *, is_own: bool) -> None:
        try:
            result = await attempt.result(
                self._client,
                lambda: self._uploads.names(entry.pictures),
                lambda: self._ledger.send(entry.key, attempt.prompt_id, self._client.address),
            )
        except asyncio.CancelledError:
            # What an earlier start sent goes on, as it did when that one ended.
            if is_own and attempt.is_sent and await attempt.withdraw(self._client):
                self._ledger.put_back(entry.key, lost=False)
            raise
        try:
            files = await collect(self._client, entry, result, self._job.out)
        except OSError as error:
            raise cannot_write(self._job.out, error) from None
        self._recorder.done(entry, files, texts_of(result), result.seconds)

    async def _until_back(self, error: Exception) -> None:
        patience = self._job.settings.patience
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(ServerUnreachable, UnexpectedAnswer):
                await self._client.system_stats()
                return
            if time.monotonic() > deadline:
                raise BatchError(
                    f"{self._job.secrets.hide(str(error))} It did not come back within {patience:g} s. Nothing "
                    "is lost: start the server and run the same command again."
                )
            await asyncio.sleep(min(RETRY_SECONDS, patience))
