"""The client when the network, or what stands between it and the server, misbehaves."""

import asyncio
import re
import time

import pytest
from armature_pack.runs import follow, live
from armature_pack.runs.api import use_client
from armature_pack.runs.client import Client
from armature_pack.runs.errors import RunInterrupted, ServerUnreachable
from armature_pack.runs.events import Event, Executing, Failed, Finished, Progress
from armature_pack.tests.runs.prompts import grey_picture, sampling, shown_text
from armature_pack.tests.runs.tcp_proxy import TcpProxy
from armature_pack.tests.server_fixture import RunningServer

pytestmark = pytest.mark.host


def test_progress_returns_after_a_dropped_websocket(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.1)
    # So many steps that no machine is through with them before the websocket is open again; then they are cut short.
    prompt = sampling(server.model("sd15_checkpoint"), steps=2000, seed=21)

    async def work() -> list[Event]:
        events: list[Event] = []
        async with TcpProxy(server.address) as proxy, Client(proxy.address) as client:
            prompt_id = await client.submit(prompt)
            async for event in client.follow(prompt_id):
                events.append(event)
                seen = sum(isinstance(one, Progress) for one in events)
                if isinstance(event, Progress) and seen == 1:
                    proxy.cut_websockets()
                elif isinstance(event, Progress) and seen == 2:
                    assert proxy.websockets == 1, "the websocket must be open again"
                    await client.interrupt(prompt_id)
        return events

    events = asyncio.run(work())
    steps = [event.value for event in events if isinstance(event, Progress)]
    assert steps == sorted(steps)
    assert len(steps) > 1, "progress must be seen again after the first, at which the connection was cut"
    assert isinstance(events[-1], Failed) and isinstance(events[-1].error, RunInterrupted)


def test_a_run_ends_although_the_websocket_never_returns(server: RunningServer) -> None:
    prompt = sampling(server.model("sd15_checkpoint"), steps=20, seed=22)

    async def work() -> list[Event]:
        events: list[Event] = []
        async with TcpProxy(server.address) as proxy, Client(proxy.address) as client:
            async for event in client.follow(await client.submit(prompt)):
                events.append(event)
                if isinstance(event, Executing):
                    proxy.refuse_websockets = True
                    proxy.cut_websockets()
        return events

    assert isinstance(asyncio.run(work())[-1], Finished)


def test_runs_without_any_websocket(server: RunningServer) -> None:
    async def work() -> None:
        async with TcpProxy(server.address) as proxy:
            proxy.refuse_websockets = True
            async with Client(proxy.address) as client:
                assert (await client.run(shown_text("slowly"))).texts("2") == ("slowly",)

    asyncio.run(work())


def test_a_websocket_that_falls_silent_does_not_hang_the_run(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "POLL_LIVE", 0.5)

    async def work() -> None:
        async with TcpProxy(server.address) as proxy, Client(proxy.address) as client:
            await client.run(shown_text("first"))
            proxy.swallow_websockets = True
            assert (await client.run(shown_text("second"), timeout=60)).texts("2") == ("second",)

    asyncio.run(work())


def test_a_server_that_goes_away_is_reported_after_the_patience(server: RunningServer) -> None:
    prompt = sampling(server.model("sd15_checkpoint"), steps=400, seed=23)

    async def work() -> float:
        async with Client(server.address) as direct:
            async with TcpProxy(server.address) as proxy:
                client = await Client(proxy.address, patience=1).__aenter__()
                prompt_id = await client.submit(prompt)
            # The proxy is gone now.
            start = time.monotonic()
            try:
                with pytest.raises(ServerUnreachable, match="connection was refused"):
                    async for _ in client.follow(prompt_id):
                        pass
            finally:
                await client.__aexit__()
                await direct.cancel(prompt_id)
        return time.monotonic() - start

    assert 1 <= asyncio.run(work()) < 25, "a second of patience, not the usual thirty"


def test_headers_and_credentials_go_out_with_everything(server: RunningServer) -> None:
    async def work() -> bytes:
        async with TcpProxy(server.address) as proxy:
            address = proxy.address.replace("http://", "http://ann:s%3Acret@") + "/?token=abc"
            async with Client(address, headers={"X-Tenant": "nine"}) as client:
                result = await client.run(grey_picture(color=0x010101))
                await client.fetch(result.images("2")[0])
                assert client.address == proxy.address
            return proxy.requests

    requests = asyncio.run(work())
    heads = re.findall(rb"(?:GET|POST) /(\w+)(.*?)\r\n\r\n", requests, re.DOTALL)
    assert {b"ws", b"prompt", b"history", b"view"} <= {path for path, _ in heads}
    for _, head in heads:
        assert b"X-Tenant: nine" in head
        assert b"Authorization: Basic YW5uOnM6Y3JldA==" in head
        assert b"token=abc" in head


def test_explicit_authorization_wins_over_the_address(server: RunningServer) -> None:
    async def work() -> bytes:
        async with TcpProxy(server.address) as proxy:
            address = proxy.address.replace("http://", "http://ann:pw@")
            async with Client(address, headers={"authorization": "Bearer t"}) as client:
                await client.system_stats()
            return proxy.requests

    requests = asyncio.run(work())
    assert b"Bearer t" in requests
    assert b"Basic" not in requests


def test_nothing_is_left_running(server: RunningServer) -> None:
    async def work(client: Client) -> None:
        await client.run(shown_text("tidy"))

    use_client(server.address, work)

    async def count() -> int:
        async with Client(server.address) as client:
            await client.run(shown_text("tidy too"))
        return len(asyncio.all_tasks())

    assert asyncio.run(count()) == 1
