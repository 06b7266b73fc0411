"""On a machine of the cluster: owns the server, or knows a given one, and runs rows on it."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from ....runs.batch.adherence import with_scores
from ....runs.batch.collect import named_pictures, texts_of
from ....runs.batch.ledger import Entry
from ....runs.batch.outcome import AWAY, LOST, check_result, kind_of, watch
from ....runs.batch.pictures import Uploads
from ....runs.batch.plan import with_changes
from ....runs.client import Client
from ....runs.errors import ClientError, RowProblem, ServerUnreachable, UnexpectedAnswer
from ....runs.results import RunResult
from ...private_host.host import VARIABLE, Host
from ...private_host.server import Server, start_installation

RETRY_SECONDS = 1.0


class Worker:
    """settings: graph, address ('' to start a server), addresses (shown -> whole, of all given servers), headers, host,
    arguments, row_seconds, patience, minimum_adherence. folder: for logs and results of a server of our own.
    """

    def __init__(self, settings: Mapping[str, Any], folder: str) -> None:
        self._settings = settings
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
        return await getattr(await self._connected(), question)(*arguments)

    async def run(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """One row. job: entry (its fields), prompt_id, pictures (place -> (name, bytes)), resume (address of its run, or '').

        Gives kind 'done' with files (path, bytes), texts and seconds, or another kind of `one_row` with reason and begun.
        """
        one = _OneRow(job, self._settings)
        while True:
            try:
                async with self._client_for(job["resume"]) as client:
                    return await one.on(client, self._uploads)
            except (RowProblem, ClientError) as error:
                self._uploads.forget()
                kind = kind_of(error)
                if self._server is not None and self._server.process.poll() is not None:
                    kind = LOST
                if kind != AWAY:
                    return one.ended(kind, error)
                try:
                    async with self._client_for(job["resume"]) as client:
                        await self._until_back(client)
                except ClientError:
                    return one.ended(AWAY, error)

    async def close(self) -> None:
        """Ends our server and all connections."""
        if self._client is not None:
            await self._client.__aexit__()
            self._client = None
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

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
        return Client(address, self._settings["headers"], patience=min(30.0, self._settings["patience"]))

    def _start(self) -> Server:
        host = Host.from_environment({VARIABLE: json.dumps(self._settings["host"])})
        return start_installation(host, folder=self._folder / "server", arguments=self._settings["arguments"])

    async def _until_back(self, client: Client) -> None:
        deadline = time.monotonic() + self._settings["patience"]
        while True:
            try:
                await client.system_stats()
                return
            except (ServerUnreachable, UnexpectedAnswer) as error:
                if kind_of(error) != AWAY or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)


class _OneRow:
    """A row on its way: whether it went out, and whether the server began it."""

    def __init__(self, job: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._entry = Entry(**job["entry"])
        self._id: str = job["prompt_id"]
        self._pictures: Mapping[str, tuple[str, bytes]] = job["pictures"]
        self._settings = settings
        self._sent = bool(job["resume"])
        self._begun = False

    async def on(self, client: Client, uploads: Uploads) -> dict[str, Any]:
        result = await self._result(client, uploads)
        check_result(result, self._settings["minimum_adherence"])
        named = named_pictures(self._entry, result)
        files = [(name, await client.fetch(picture)) for name, picture in named]
        return {"kind": "done", "files": files, "texts": texts_of(result), "seconds": result.seconds}

    def ended(self, kind: str, error: Exception) -> dict[str, Any]:
        return {"kind": kind, "reason": str(error), "begun": self._begun}

    async def _result(self, client: Client, uploads: Uploads) -> RunResult:
        try:
            if not self._sent:
                uploaded = await uploads.contents(self._pictures)
                prompt = with_changes(self._settings["graph"], {**self._entry.changes, **uploaded})
                if self._settings["minimum_adherence"] is not None:
                    prompt = with_scores(prompt)
                self._sent = True  # a server that goes away right now is asked for it later
                await client.submit(prompt, prompt_id=self._id)
            return await watch(client, self._id, self._settings["row_seconds"], self._note_begin)
        except asyncio.CancelledError:
            with contextlib.suppress(ClientError, asyncio.TimeoutError):
                await asyncio.wait_for(client.cancel(self._id), 5)
            raise

    def _note_begin(self) -> None:
        self._begun = True
