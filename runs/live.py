"""The websocket side of a client: keeps one connection alive and sorts its messages into a mailbox per prompt."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import aiohttp

from .wire import Wire

CONNECT_SECONDS = 10.0
RETRY_SECONDS = 1.0
# Nobody may ever follow a submitted prompt. What falls out is progress alone: the end is read from the history.
MAILBOX_SIZE = 10_000


class Mailbox:
    """Messages of one prompt, waiting for its follower."""

    def __init__(self) -> None:
        self._messages: deque[Mapping[str, Any]] = deque(maxlen=MAILBOX_SIZE)
        self._bell = asyncio.Event()

    def put(self, message: Mapping[str, Any]) -> None:
        """Adds a message and wakes the follower."""
        self._messages.append(message)
        self._bell.set()

    def ring(self) -> None:
        """Wakes the follower although there is no message: the connection changed."""
        self._bell.set()

    async def take(self, seconds: float) -> list[Mapping[str, Any]]:
        """All waiting messages; waits up to `seconds` for the first. Empty when none came or the bell was rung."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._bell.wait(), seconds)
        self._bell.clear()
        messages = list(self._messages)
        self._messages.clear()
        return messages


class Live:
    """One websocket under one client id, reopened whenever it drops.

    `trusted` is True while the first connection stands. After a reconnect it stays False, for then messages may go
    astray: the host forgets the *new* socket of a client id when it notices the end of the old one.
    """

    def __init__(self, wire: Wire, client_id: str):
        self._wire = wire
        self._client_id = client_id
        self._boxes: dict[str, Mailbox] = {}
        self._task: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self.trusted = False

    async def ensure(self) -> None:
        """Opens the connection, once. A server (or a proxy before it) without websockets is no error: see `trusted`."""
        async with self._opening:  # two that come together share it
            if self._task is None:
                socket = await self._open()
                self.trusted = socket is not None
                self._task = asyncio.create_task(self._keep(socket))

    async def close(self) -> None:
        """Closes the connection and stops reopening it."""
        # Up to Python 3.11 asyncio.wait_for swallows a cancellation that comes together with its result.
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def open_box(self, prompt_id: str) -> Mailbox:
        """The mailbox of a prompt; messages of prompts without one are dropped."""
        return self._boxes.setdefault(prompt_id, Mailbox())

    def close_box(self, prompt_id: str) -> None:
        """Drops a prompt's mailbox."""
        self._boxes.pop(prompt_id, None)

    async def _open(self) -> aiohttp.ClientWebSocketResponse | None:
        try:
            connecting = self._wire.websocket("/ws", {"clientId": self._client_id})
            return await asyncio.wait_for(connecting, CONNECT_SECONDS)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return None

    async def _keep(self, socket: aiohttp.ClientWebSocketResponse | None) -> None:
        while not self._closed:
            if socket is not None:
                await self._listen(socket)
                self.trusted = False
                for box in self._boxes.values():
                    box.ring()
            await asyncio.sleep(RETRY_SECONDS)
            socket = await self._open()
        if socket is not None:
            await socket.close()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in socket:
                # Binary messages are preview pictures.
                if message.type == aiohttp.WSMsgType.TEXT:
                    self._sort(message.data)
        except (aiohttp.ClientError, OSError):
            pass
        finally:
            await socket.close()

    def _sort(self, text: str) -> None:
        try:
            message = json.loads(text)
            box = self._boxes.get(message["data"]["prompt_id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # Queue length, feature flags, messages of other packs.
        if box is not None:
            box.put(message)
