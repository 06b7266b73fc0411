"""The websocket's life cycle, without a server."""

import asyncio
from typing import Any

import pytest
from armature_pack.runs import live


class Socket:
    """A websocket that can be closed, and on which nothing comes."""

    async def close(self) -> None:
        pass

    def __aiter__(self) -> "Socket":
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(60)


class SlowWire:
    """A connection that stands when `ready` is set; the first one never does."""

    def __init__(self) -> None:
        self.socket, self.ready, self.tries = Socket(), asyncio.Event(), 0

    async def websocket(self, *_: Any) -> Socket:
        self.tries += 1
        if self.tries == 1:
            raise OSError("refused")
        await self.ready.wait()
        return self.socket


def test_closing_ends_even_when_the_connection_comes_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.01)

    async def work() -> None:
        wire: Any = SlowWire()
        one = live.Live(wire, "client")
        await one.ensure()
        while wire.tries < 2:
            await asyncio.sleep(0.01)
        wire.ready.set()
        await asyncio.sleep(0)  # the connection has come, the task that waits for it has not run yet
        closing = asyncio.create_task(one.close())
        done, _ = await asyncio.wait([closing], timeout=60)
        assert done, "close() waits for a task that goes on for ever"

    asyncio.run(work())
