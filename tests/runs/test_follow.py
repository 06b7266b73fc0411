"""Following a run on a server that contradicts itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from armature_pack.runs import follow
from armature_pack.runs.follow import Follower
from armature_pack.runs.live import Mailbox


def test_a_server_that_tells_of_an_end_that_does_not_come_is_not_besieged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST_END", 0.2)
    monkeypatch.setattr(follow, "POLL_LOST", 0.4)
    asked: list[str] = []

    async def answer(_method: str, path: str, read: Any) -> Any:
        asked.append(path)
        return read({} if path.startswith("/history") else {"queue_running": [[0, "p"]], "queue_pending": []})

    async def work() -> None:
        box = Mailbox()
        box.put({"type": "execution_success", "data": {"prompt_id": "p"}})
        live: Any = SimpleNamespace(open_box=lambda _id: box, trusted=True)
        wire: Any = SimpleNamespace(json=answer, address="here")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(Follower(wire, live, "p", (), 30.0)), 1.6)

    asyncio.run(work())
    assert 4 < asked.count("/history/p") < 12


async def _drain(follower: Follower) -> None:
    async for _ in follower.events():
        pass
