"""Answers that never end, that trickle, or that are no HTTP: a row is failed or waited for, and the batch ends."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from pathlib import Path

import aiohttp
import pytest
from armature_pack.runs import follow, wire
from armature_pack.runs.batch import patience
from armature_pack.runs.batch.batch import BatchResult, Display, run_on_server
from armature_pack.runs.batch.job import Job, Request, Settings
from armature_pack.runs.batch.ledger import Ledger
from armature_pack.runs.client import Client
from armature_pack.runs.errors import UnexpectedAnswer
from armature_pack.runs.wire import Secrets, Wire
from armature_pack.tests.runs.batch.host_stub import GRAPH
from armature_pack.tests.runs.raw_host import RawHost, Send, framed


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=0.2))
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 2**20)
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(follow, "POLL_LOST", 0.01)


def start(folder: Path, host: RawHost, **settings: float) -> tuple[BatchResult, set[str]]:
    """A batch of two rows on the host, and the states and reasons that the rows have in the end."""
    (folder / "rows.jsonl").write_text("\n".join(json.dumps({"Sampler.text": text}) for text in "ab"), encoding="utf-8")

    async def whole() -> BatchResult:
        async with host.serving() as address:
            request = Request(folder / "rows.jsonl")
            job = Job(GRAPH, request, folder / "out", Secrets(address, {}), Settings(**settings))
            return await asyncio.wait_for(run_on_server(job, address, {}, Display()), 20)  # only bounds a hang

    result = asyncio.run(whole())
    with Ledger(folder / "out") as ledger:
        return result, {f"{entry.state} {entry.reason}".strip() for entry in ledger.entries()}


def drops(begin: bytes, drop: bytes) -> Send:
    """Begins an answer, then sends a little of it now and then, for ever."""

    async def send(path: str, _content: bytes, writer: asyncio.StreamWriter) -> bool:
        if path.startswith("/history"):
            writer.write(begin)
            while True:
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(0.05)
        return False

    return send


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "body without a length", "head", "going on"],
)
def test_what_trickles_is_no_answer(tmp_path: Path, begin: bytes, drop: bytes) -> None:
    begun = time.monotonic()
    result, states = start(tmp_path, RawHost(drops(begin, drop)), patience=0.4)
    assert result.status == 2 and "did not come back within 0.4 s" in result.stopped
    assert states <= {"sent", "waiting"} and time.monotonic() - begun < 10
    assert start(tmp_path, RawHost())[0].status == 0, "the same command goes on"


def flood(content: bytes, *headers: str) -> Send:
    async def send(path: str, _content: bytes, writer: asyncio.StreamWriter) -> bool:
        if path.startswith("/history"):
            writer.write(b"\r\n".join([b"HTTP/1.1 200 OK", *(one.encode() for one in headers), b"", b""]))
            for _ in range(40):
                writer.write(content)
                await writer.drain()
            return True
        return False

    return send


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_not_kept_in_memory(tmp_path: Path, packed: bool) -> None:
    content = b" " * 2**20
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed_content = bomb.compress(content * 40) + bomb.flush()
    send = flood(packed_content, "Content-Encoding: gzip") if packed else flood(content)
    result, states = start(tmp_path, RawHost(send), patience=5.0)
    assert result.status == 2 and len(states) == 2
    assert all(state.startswith("failed") and "more than fits into memory" in state for state in states)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10**6 + b"\r\n\r\n{}",
        framed(b"xx", "200 OK", "Content-Encoding: gzip"),
        framed(b"", "429 No", "Retry-After: 1000000000"),
        framed(b"", "429 No", "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"),
        framed(b"", "503 No", "Retry-After: \xff", "Date: yesterday", "Set-Cookie: =;;\x01"),
        b"{}",
    ],
)
def test_what_is_no_http_is_waited_out(tmp_path: Path, answer: bytes) -> None:
    async def send(path: str, _content: bytes, writer: asyncio.StreamWriter) -> bool:
        if path == "/view":
            writer.write(answer)
            await writer.drain()
        return path == "/view"

    result, states = start(tmp_path, RawHost(send), patience=0.1)
    assert result.status == 2 and "did not come back within 0.1 s" in result.stopped and states <= {"sent", "waiting"}
    assert start(tmp_path, RawHost())[0].status == 0, "the same command goes on"


@pytest.mark.parametrize("place", ["http://127.0.0.1:{other}/ws", "/queue", "file:///etc/passwd", "//x:y:z"])
def test_nothing_goes_to_where_a_server_points(place: str) -> None:
    async def work() -> None:
        other = RawHost()

        async def send(path: str, _content: bytes, writer: asyncio.StreamWriter) -> bool:
            if path in ("/ws", "/system_stats"):
                writer.write(framed(b"", "302 Go", f"Location: {target}"))
                await writer.drain()
            return path in ("/ws", "/system_stats")

        async with other.serving() as elsewhere, RawHost(send).serving() as address:
            target = place.format(other=elsewhere.rsplit(":", 1)[1])
            async with Client(address, {"X-Key": "hush"}) as client:
                with pytest.raises(UnexpectedAnswer, match="redirects elsewhere"):
                    await client.system_stats()
                assert (await client.run({**GRAPH})).images("4"), "the run goes on without a websocket"
        assert other.heads == []

    asyncio.run(work())


def test_rows_that_begin_together_share_one_websocket(tmp_path: Path) -> None:
    host = RawHost()
    opened = 0

    async def send(path: str, _content: bytes, _writer: asyncio.StreamWriter) -> bool:
        nonlocal opened
        opened += path == "/ws"
        if path == "/ws":
            await asyncio.sleep(0.2)  # so that the other row comes meanwhile
        return False

    host.send = send
    assert start(tmp_path, host, ahead=2)[0].status == 0
    assert opened == 1


def test_an_answer_nested_as_deep_as_it_can_be_read() -> None:
    async def work() -> None:
        async with Client("http://127.0.0.1:1") as client:
            for depth in range(700, 1_000):
                content = b'{"a": {"outputs": {"4": {"text": [' + b"[" * depth + b"]" * depth + b"]}}}}"
                for read in (str, repr):
                    try:
                        Wire.parsed(client._wire, "/history/a", 200, content, read)
                    except UnexpectedAnswer as error:
                        assert "is not JSON" in str(error) or "nested too deeply" in str(error)

    asyncio.run(work())
