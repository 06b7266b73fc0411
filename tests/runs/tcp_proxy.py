"""A TCP proxy that can play a bad network between a client and the server."""

import asyncio
import contextlib
from urllib.parse import urlsplit


class TcpProxy:
    """Forwards connections to the server at `target`. Use as an async context manager in the client's event loop."""

    def __init__(self, target: str):
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._sockets: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests = b""
        self.refuse_websockets = False
        self.swallow_websockets = False

    async def __aenter__(self) -> "TcpProxy":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def websockets(self) -> int:
        """How many websockets pass through now."""
        return len(self._sockets)

    def cut_websockets(self) -> None:
        """Ends every websocket without a goodbye."""
        for writer in self._sockets:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        ways = (self._requests(reader, server_writer, writer), self._answers(server_reader, writer))
        tasks = [asyncio.create_task(way) for way in ways]
        self._tasks.update(tasks)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        self._sockets.discard(writer)
        for end in (writer, server_writer):
            end.close()

    async def _requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.requests += data
                if b"GET /ws" in data:
                    if self.refuse_websockets:
                        return
                    self._sockets.add(client)
                server.write(data)
                await server.drain()

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await server.read(65536):
                if self.swallow_websockets and client in self._sockets:
                    continue
                client.write(data)
                await client.drain()
