"""Messages when no ComfyUI server answers: plain, and without secrets."""

import asyncio
import socket
import traceback

import pytest
from armature_pack.runs.client import Client
from armature_pack.runs.errors import ClientError, ServerUnreachable, UnexpectedAnswer

SECRETS = ("hush", "secret", "aGFu", "hunter2")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fails(address: str, prompt: bool = False) -> ClientError:
    """The error of asking the server at `address`, checked to hold no secret anywhere in its traceback."""

    async def work() -> None:
        async with Client(address, headers={"X-Key": "hunter2"}) as client:
            await (client.submit({}) if prompt else client.system_stats())

    with pytest.raises(ClientError) as caught:
        asyncio.run(work())
    printed = "".join(traceback.format_exception(caught.value))
    assert not any(secret in printed for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize("prompt", [False, True])
def test_nothing_listens(prompt: bool) -> None:
    port = free_port()
    error = fails(f"http://ann:secret@127.0.0.1:{port}/?token=hush", prompt)
    assert isinstance(error, ServerUnreachable)
    assert str(error) == (
        f"No ComfyUI server answers at http://127.0.0.1:{port}: the connection was refused; start the server, or check "
        "the port."
    )


def test_no_such_machine() -> None:
    error = fails("http://ann:secret@no-such-machine.invalid:8188/?token=hush")
    assert isinstance(error, ServerUnreachable)
    assert "no machine of that name" in str(error)


def answered_with(answer: bytes, prompt: bool = False) -> ClientError:
    """The error of a client whose server sends these bytes to everyone."""

    async def work() -> None:
        async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(65536)
            writer.write(answer)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answering, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with Client(f"http://ann:secret@127.0.0.1:{port}/?token=hush") as client:
                await (client.submit({}) if prompt else client.system_stats())

    with pytest.raises(ClientError) as caught:
        asyncio.run(work())
    printed = "".join(traceback.format_exception(caught.value))
    assert not any(secret in printed for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "is not a ComfyUI server"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "wants credentials"),
        (b"HTTP/1.1 302 Go\r\nLocation: https://x/?token=hush\r\nContent-Length: 0\r\n\r\n", "redirects elsewhere"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "HTTP 500: see the log of the server"),
        (b"HTTP/1.1 413 Oh\r\nContent-Length: 0\r\n\r\n", "--max-upload-size"),
    ],
)
@pytest.mark.parametrize("prompt", [False, True])
def test_something_else_answers(answer: bytes, message: str, prompt: bool) -> None:
    error = answered_with(answer, prompt)
    assert isinstance(error, UnexpectedAnswer)
    assert message in str(error)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"])
def test_broken_answers(answer: bytes) -> None:
    assert isinstance(answered_with(answer), ServerUnreachable)


def test_http_where_https_is_asked_for() -> None:
    async def work() -> None:
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            async with Client(f"https://127.0.0.1:{port}") as client:
                await client.system_stats()

    with pytest.raises(ServerUnreachable):
        asyncio.run(work())
