"""Running a planned batch on one server: rows out, results in, the ledger kept true at every step.

Order of events for a row: a prompt id is noted in the ledger, the prompt goes out under it, the pictures come home, the row is
`done`. Whatever stops in between, the next start finds the id and asks the server for the rest.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client import Client
from ..errors import BatchError, ClientError, RowProblem, ServerUnreachable, UnexpectedAnswer
from ..results import RunResult
from ..wire import Secrets
from .adherence import with_scores
from .collect import collect, texts_of
from .ledger import DONE, FAILED, REFUSED, SENT, WAITING, Entry, Ledger
from .outcome import AWAY, Book, Step, check_result, kind_of, watch
from .pictures import Uploads
from .plan import with_changes

RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Settings:
    """retry: further tries of a row that failed. ahead: prompts in the server's queue. row_seconds: limit of one row.

    patience: seconds that a server may be away before the batch stops. minimum_adherence: score below which a row's picture
    does not count; its further tries take other seeds.
    """

    retry: int = 0
    ahead: int = 2
    row_seconds: float | None = None
    patience: float = 300.0
    minimum_adherence: float | None = None


class Runner:
    """Runs the waiting rows of `ledger` through `client`; results go into `out`, and each Step to `on_step`."""

    def __init__(
        self,
        graph: Mapping[str, Any],
        ledger: Ledger,
        client: Client,
        out: Path,
        secrets: Secrets,
        settings: Settings | None = None,
        on_step: Callable[[Step], object] = lambda _step: None,
    ):
        self._graph = graph
        self._ledger = ledger
        self._client = client
        self._out = out
        self._secrets = secrets
        self._settings = settings or Settings()
        self._book = Book(graph, ledger, secrets, self._settings.retry, on_step)
        self._uploads = Uploads(client)
        self._taken: set[str] = set()
        self._begun: set[str] = set()

    async def run(self) -> None:
        """Until no row waits. Raises BatchError when nothing more can run; what was done stays done."""
        workers = [asyncio.create_task(self._work()) for _ in range(max(1, self._settings.ahead))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while (entry := self._take()) is not None:
            try:
                await self._row(entry)
            finally:
                self._taken.discard(entry.key)

    def _take(self) -> Entry | None:
        """The next row that nobody works on: first those that an earlier runner sent, then the waiting ones."""
        for state in (SENT, WAITING):
            for entry in self._ledger.next_rows(state, len(self._taken) + 1):
                if entry.key not in self._taken:
                    self._taken.add(entry.key)
                    return entry
        return None

    async def _row(self, entry: Entry) -> None:
        try:
            await self._keep(entry, await self._result(entry))
        except (RowProblem, ClientError) as error:
            self._uploads.forget()
            kind = kind_of(error)
            if kind == AWAY:
                self._book.tell(str(error))
                # The row stays as it is: `sent` rows are asked after again, for the server may have gone on with them.
                await self._until_back(error)
                return
            begun = entry.key in self._begun
            self._begun.discard(entry.key)
            self._book.ended(entry, kind, str(error), begun=begun)

    async def _result(self, entry: Entry) -> RunResult:
        if entry.state == SENT and entry.prompt_id and entry.server == self._client.address:
            return await self._watch(entry, entry.prompt_id)
        uploaded = await self._uploads.names(entry.pictures)
        prompt = with_changes(self._graph, {**entry.changes, **uploaded})
        if self._settings.minimum_adherence is not None:
            prompt = with_scores(prompt)
        prompt_id = str(uuid.uuid4())
        self._ledger.send(entry.key, prompt_id, self._client.address)
        try:
            await self._client.submit(prompt, prompt_id=prompt_id)
            return await self._watch(entry, prompt_id)
        except asyncio.CancelledError:
            # Somebody stopped the batch: the server should not go on for hours.
            with contextlib.suppress(ClientError, asyncio.TimeoutError):
                await asyncio.wait_for(self._client.cancel(prompt_id), 5)
                self._ledger.put_back(entry.key, lost=False)
            raise

    async def _watch(self, entry: Entry, prompt_id: str) -> RunResult:
        return await watch(self._client, prompt_id, self._settings.row_seconds, lambda: self._begun.add(entry.key))

    async def _keep(self, entry: Entry, result: RunResult) -> None:
        check_result(result, self._settings.minimum_adherence)
        try:
            files = await collect(self._client, entry, result, self._out)
        except OSError as error:
            raise cannot_write(self._out, error) from None
        self._begun.discard(entry.key)
        self._book.done(entry, files, texts_of(result), result.seconds)

    async def _until_back(self, error: Exception) -> None:
        deadline = time.monotonic() + self._settings.patience
        while True:
            with contextlib.suppress(ServerUnreachable, UnexpectedAnswer):
                await self._client.system_stats()
                return
            if time.monotonic() > deadline:
                raise BatchError(
                    f"{self._secrets.hide(str(error))} It did not come back within {self._settings.patience:g} s. Nothing "
                    "is lost: start the server and run the same command again."
                )
            await asyncio.sleep(min(RETRY_SECONDS, self._settings.patience))


def cannot_write(out: Path, error: OSError) -> BatchError:
    """The results' own disk is full, or the like."""
    return BatchError(
        f"The results cannot be written to {out}: {error.strerror}. Make room, then run the same command again."
    )


def exit_status(counts: Mapping[str, int]) -> int:
    """0: every row came out; 1: some did not; 2: none did."""
    if counts[DONE] and not sum(counts[state] for state in (WAITING, SENT, FAILED, REFUSED)):
        return 0
    return 1 if counts[DONE] else 2


__all__ = ["Runner", "Settings", "Step", "cannot_write", "exit_status"]
