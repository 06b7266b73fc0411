"""On a machine of the cluster: owns the server, or knows a given one, and runs rows on it."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from ....runs.batch.collect import named_pictures, texts_of
from ....runs.batch.job import Settings
from ....runs.batch.ledger import Entry
from ....runs.batch.outcome import AWAY, LOST, kind_of
from ....runs.batch.patience import Patience, PatientServer, StayedAway
from ....runs.batch.pictures import Uploads
from ....runs.batch.run import Attempt
from ....runs.client import Client
from ....runs.errors import ClientError, RowProblem, ServerUnreachable, UnexpectedAnswer
from ...private_host.host import VARIABLE, Host
from ...private_host.server import Server, start_installation

RETRY_SECONDS = 1.0


class Worker:
    """settings: graph, address ('' to start a server), addresses (shown -> whole, of all given servers), headers, host,
    arguments, rows (fields of Settings). folder: for logs and results of a server of our own.
    """

    def __init__(self, settings: Mapping[str, Any], folder: str) -> None:
        self._settings = settings
        self._rows = Settings(**settings["rows"])
        self._folder = Path(folder)
        self._server: Server | None = None
        self._client: Client | None = None
        self._uploads: Uploads
        self._gate = asyncio.Lock()

    async def ready(self) -> str:
        """The address as the ledger shows it. Raises when no server answers within `patience`."""
        client = await self._connected()
        await self._until_back(client)
        return client.address if self._settings["address"] else f"{client.address} on {socket.gethostname()}"

    async def ask(self, question: str, *arguments: Any) -> Any:
        """The answer of the client's method of that name."""
        client = await self._connected()
        return await getattr(PatientServer(client, self._rows.patience, was_there=True), question)(*arguments)

    async def run(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """One row. job: entry (its fields), prompt_id, pictures (place -> (name, bytes)), resume (address of its run, or '').

        Gives kind 'done' with files (path, bytes), texts and seconds, or another kind of `outcome` with reason, begun and
        is_answer: whether it was the server's answer that was wrong.
        """
        entry = Entry(**job["entry"])
        graph, is_sent = self._settings["graph"], bool(job["resume"])
        attempt = Attempt(graph, entry, self._rows, job["prompt_id"], is_sent=is_sent)
        patience: Patience | None = None
        while True:
            try:
                async with self._client_for(job["resume"]) as client:
                    return await self._bring_home(entry, attempt, client, job["pictures"])
            except (RowProblem, ClientError) as error:
                self._uploads.forget()
                if attempt.goes_out_again(error):
                    continue
                kind = kind_of(error)
                if self._server is not None and self._server.process.poll() is not None:
                    kind = LOST
                if kind != AWAY:
                    return _ended(attempt, kind, error)
                try:
                    async with self._client_for(job["resume"]) as client:
                        patience = patience or Patience(client, self._rows.patience)
                        await patience.until_back(entry.key, error)
                except (ClientError, StayedAway):
                    return _ended(attempt, AWAY, error)

    async def close(self) -> None:
        """Ends our server and all connections."""
        if self._client is not None:
            await self._client.__aexit__()
            self._client = None
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def _bring_home(
        self, entry: Entry, attempt: Attempt, client: Client, pictures: Mapping[str, tuple[str, bytes]]
    ) -> dict[str, Any]:
        try:
            uploaded = {} if attempt.is_sent else await self._uploads.contents(pictures)
            result = await attempt.result(client, uploaded)
        except asyncio.CancelledError:
            await attempt.withdraw(client)
            raise
        files = [(name, await client.fetch(picture)) for name, picture in named_pictures(entry, result)]
        return {"kind": "done", "files": files, "texts": texts_of(result), "seconds": result.seconds}

    @contextlib.asynccontextmanager
    async def _client_for(self, resume: str) -> AsyncIterator[Client]:
        """Of our server, or of the one where an earlier runner left the row."""
        if not resume or resume == self._settings["address"]:
            yield await self._connected()
        else:
            async with self._new_client(self._settings["addresses"][resume]) as other:
                yield other

    async def _connected(self) -> Client:
        async with self._gate:
            if not self._settings["address"] and (self._server is None or self._server.process.poll() is not None):
                await self.close()
                self._server = await asyncio.to_thread(self._start)
            if self._client is None:
                address = self._settings["address"] or (self._server.address if self._server else "")
                self._client = await self._new_client(address).__aenter__()
                self._uploads = Uploads(self._client)
            return self._client

    def _new_client(self, address: str) -> Client:
        return Client(address, self._settings["headers"], patience=self._rows.client_patience)

    def _start(self) -> Server:
        host = Host.from_environment({VARIABLE: json.dumps(self._settings["host"])})
        return start_installation(host, folder=self._folder / "server", arguments=self._settings["arguments"])

    async def _until_back(self, client: Client) -> None:
        deadline = time.monotonic() + self._rows.patience
        while True:
            try:
                await client.system_stats()
                return
            except (ServerUnreachable, UnexpectedAnswer) as error:
                if kind_of(error) != AWAY or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)


def _ended(attempt: Attempt, kind: str, error: Exception) -> dict[str, Any]:
    is_answer = isinstance(error, UnexpectedAnswer)
    return {"kind": kind, "reason": str(error), "begun": attempt.begun, "is_answer": is_answer}
