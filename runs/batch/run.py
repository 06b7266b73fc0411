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
from ..errors import (
    ClientError,
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
from .adherence import TooLittleAdherence, check_score, other_seeds, with_scores
from .collect import collect, texts_of
from .errors import BatchError, RowProblem
from .ledger import DONE, FAILED, REFUSED, SENT, WAITING, Entry, Ledger
from .plan import with_changes
from .secrets import Secrets
from .uploads import Uploads

AWAY = frozenset({429, 502, 503, 504})  # answers of a server, or of a proxy before it, that will be there again
MOST_LOSSES = 3  # a row that was running each time the server died may be what kills it
RETRY_SECONDS = 2.0
DISK_FULL = ("No space left on device", "disk is full", "There is not enough space on the disk")


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


@dataclass(frozen=True)
class Step:
    """What just happened: a row ended in `state` (or went back to waiting), or, without `entry`, a word on the server."""

    entry: Entry | None
    state: str
    reason: str = ""


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
        self._on_step = on_step
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
            result = await self._result(entry)
            await self._keep(entry, result)
        except RunLost as error:
            self._lost(entry, error)
        except (ServerUnreachable, UnexpectedAnswer) as error:
            await self._away(entry, error)
        except (RowProblem, ClientError) as error:
            self._failed(entry, error)

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
        try:
            return await asyncio.wait_for(self._end_of(entry, prompt_id), self._settings.row_seconds)
        except asyncio.TimeoutError:
            await self._client.cancel(prompt_id)
            raise RunTimedOut(f"did not end within {self._settings.row_seconds:g} s and was stopped") from None

    async def _end_of(self, entry: Entry, prompt_id: str) -> RunResult:
        async with contextlib.aclosing(self._client.follow(prompt_id)) as events:
            async for event in events:
                if isinstance(event, Executing):
                    self._begun.add(entry.key)
                elif isinstance(event, Finished):
                    return event.result
                elif isinstance(event, Failed):
                    raise event.error
        raise AssertionError("follow ends with Finished or Failed")

    async def _keep(self, entry: Entry, result: RunResult) -> None:
        if result.left_out:
            raise RowProblem("the server ran only a part of the graph: " + "; ".join(map(str, result.left_out)))
        if self._settings.minimum_adherence is not None:
            check_score(result, self._settings.minimum_adherence)
        try:
            files = await collect(self._client, entry, result, self._out)
        except OSError as error:
            raise BatchError(
                f"The results cannot be written to {self._out}: {error.strerror}. Make room, then run the same command again."
            ) from None
        note = "" if files else "the graph gave no picture"
        self._begun.discard(entry.key)
        self._ledger.finish(entry.key, files, texts_of(result), result.seconds, note)
        self._on_step(Step(entry, DONE, note))

    def _failed(self, entry: Entry, error: Exception) -> None:
        reason = self._secrets.hide(str(error))
        if isinstance(error, RunFailed) and any(words in reason for words in DISK_FULL):
            self._ledger.put_back(entry.key, lost=False)
            raise BatchError(f"The server's disk is full ({reason}). Make room there, then run the same command again.")
        self._uploads.forget()
        self._begun.discard(entry.key)
        # A refused prompt would be refused again; an interruption was somebody's wish.
        again = entry.tries < self._settings.retry and not isinstance(error, PromptRefused | RunInterrupted)
        if again and isinstance(error, TooLittleAdherence):
            self._ledger.change(entry.key, other_seeds(self._graph, entry.changes))
        self._ledger.fail(entry.key, reason, again=again)
        self._on_step(Step(entry, WAITING if again else FAILED, reason))

    def _lost(self, entry: Entry, error: RunLost) -> None:
        self._uploads.forget()
        is_suspect = entry.key in self._begun
        self._begun.discard(entry.key)
        if is_suspect and entry.losses + 1 >= MOST_LOSSES:
            reason = f"the server went away {MOST_LOSSES} times while this row was on it"
            self._ledger.fail(entry.key, reason, again=False)
            self._on_step(Step(entry, FAILED, reason))
            return
        # A row that still waited in the queue did not end the server.
        self._ledger.put_back(entry.key, lost=is_suspect)
        self._on_step(Step(entry, WAITING, self._secrets.hide(str(error))))

    async def _away(self, entry: Entry, error: ServerUnreachable | UnexpectedAnswer) -> None:
        if isinstance(error, UnexpectedAnswer) and error.status not in AWAY:
            if error.status in (401, 403):
                raise BatchError(self._secrets.hide(str(error)))
            self._failed(entry, error)
            return
        self._uploads.forget()
        self._on_step(Step(None, WAITING, self._secrets.hide(str(error))))
        await self._until_back(error)
        # The row stays as it is: `sent` rows are asked after again, for the server may have gone on with them.

    async def _until_back(self, error: ClientError) -> None:
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


def exit_status(counts: Mapping[str, int]) -> int:
    """0: every row came out; 1: some did not; 2: none did."""
    if counts[DONE] and not sum(counts[state] for state in (WAITING, SENT, FAILED, REFUSED)):
        return 0
    return 1 if counts[DONE] else 2
