"""A host whose answers go out as bytes, so that what HTTP itself allows and forbids can be tried."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from armature_pack.tests.runs.answering import AnsweringHost

Send = Callable[[str, bytes, asyncio.StreamWriter], Awaitable[bool]]


def framed(content: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer as HTTP/1.1 has it."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def honest(_path: str, _content: bytes, _writer: asyncio.StreamWriter) -> bool:
    """Spoils nothing."""
    return False


class RawHost:
    """Answers as an AnsweringHost does. send: gets the path and the honest answer's body, may write to the connection itself,
    and then returns True; the connection ends with that. asked: the paths, as they came.
    """

    def __init__(self, send: Send = honest):
        self.send = send
        self.host = AnsweringHost()
        self.asked: list[str] = []
        self.heads: list[bytes] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serves, and gives the address."""
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
            writer.transport.abort()

        listener = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        sizes = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(sizes[0]) if sizes else 0)
        parts = urlsplit(lines[0].split()[1])
        path = unquote(parts.path)
        self.asked.append(path)
        self.heads.append(head)
        given = {"json": json.loads(body)} if path == "/prompt" else {}
        status, content = self.host.answer(path, dict(parse_qsl(parts.query, keep_blank_values=True)), given)
        if await self.send(path, content, writer):
            return False
        if path == "/ws":
            status, content = 404, b""
        writer.write(framed(content, f"{status} Said"))
        await writer.drain()
        return True
