"""HTTP to one server: requests in, parsed answers out, every failure as a plain ClientError.

Texts of aiohttp's exceptions are never passed on: some hold the full URL, and with it a token.
"""

import asyncio
import errno
import json
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import aiohttp

from .answers import Malformed
from .errors import ClientError, OtherServer, ServerUnreachable, UnexpectedAnswer

T = TypeVar("T")

# A server's address, with its secrets kept apart from what may be shown.


@dataclass(frozen=True)
class Address:
    """Where a ComfyUI server listens. `base` is fit to be shown; the credentials never appear in repr or messages.

    User name and password of the URL become HTTP basic authentication; its query (some hosting services put a token
    there) is sent along with every request.
    """

    base: str
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads 'host:port', 'http://user:password@host:port/path?token=…' and the like. Raises ClientError."""
        text = text.strip()
        parts = _split(text if "://" in text else f"http://{text}")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        return cls(
            base=f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}",
            user=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password or ""),
            query=MappingProxyType(dict(parse_qsl(parts.query, keep_blank_values=True))),
        )

    def url(self, path: str) -> str:
        """The URL of a route such as '/prompt' or '/object_info/Load Checkpoint', without query."""
        return self.base + quote(path)

    def __str__(self) -> str:
        return self.base


def _split(text: str) -> SplitResult:
    advice = "give the server's address as http://HOST:PORT, for example http://127.0.0.1:8188"
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            parts.hostname.encode("idna")  # a UnicodeError, which is a ValueError, for what names no machine
            parts.geturl().encode()
            return parts
    except ValueError:
        pass
    # The text itself stays out: what cannot be parsed may hold a password.
    raise ClientError(f"That is not a server address: {advice}.") from None


# No total limit, for what is large takes long over slow lines. A silent server is noticed all the same, and so is one that
# sends a byte now and then.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
HEAD_SECONDS = 120.0  # until an answer begins, besides the time that sending takes
SLOWEST = 4_000  # bytes a second that a line has at least
LARGEST_ANSWER, LARGEST_FILE = 2**28, 2**31  # bytes that are kept in memory


class Wire:
    """An open HTTP session with a server. `headers` win over the credentials of the address."""

    def __init__(self, address: Address, headers: Mapping[str, str] | None = None):
        self.address = address
        headers = dict(headers or {})
        if address.user is not None and "authorization" not in {name.lower() for name in headers}:
            secret = b64encode(f"{address.user}:{address.password}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_stay)
        self._session = aiohttp.ClientSession(headers=headers, timeout=TIMEOUT, trace_configs=[tracing])

    async def close(self) -> None:
        """Ends the session; open connections are dropped."""
        await self._session.close()

    async def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (200,),
        most: int | None = None,
        sends: int = 0,
        **body: Any,
    ) -> tuple[int, bytes]:
        """One request. `body` is `json=` or `data=`. Returns the status, one of `accept`, and the answer's bytes.

        most: bytes of the answer (default LARGEST_ANSWER); sends: bytes of a body that is large.
        """
        query = {**self.address.query, **(params or {})}
        asking = self._session.request(method, self.address.url(path), params=query, allow_redirects=False, **body)
        try:
            async with await within(HEAD_SECONDS + sends / SLOWEST, asking) as answer:
                status, content = answer.status, await _content(answer, LARGEST_ANSWER if most is None else most)
        except (aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, OSError) as error:
            raise unreachable(self.address, error) from None
        if status not in accept:
            raise UnexpectedAnswer(_explain(self.address, method, path, status), status)
        if content is None:
            raise UnexpectedAnswer(
                f"The server at {self.address} answered {path} with more than fits into memory.", status
            )
        return status, content

    async def json(self, method: str, path: str, read: Callable[[Any], T], **options: Any) -> T:
        """Like `read`, with the answer parsed from JSON and read by `read`, one of `answers`."""
        status, content = await self.read(method, path, **options)
        return self.parsed(path, status, content, read)

    def parsed(self, path: str, status: int, content: bytes, read: Callable[[Any], T]) -> T:
        """An answer's bytes as JSON, read by `read`. Raises UnexpectedAnswer for what is none, or of a wrong form."""
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            raise OtherServer(
                f"What answers at {self.address} is not a ComfyUI server (its answer to {path} is not JSON). "
                "Check the address and the port.",
                status,
            ) from None
        try:
            return read(answer)
        except (Malformed, RecursionError) as error:
            what = error if isinstance(error, Malformed) else "it is nested too deeply"
            raise UnexpectedAnswer(
                f"The server at {self.address} answered {path} as no ComfyUI does: {what}. See the log of the server, and "
                "whether something stands between.",
                status,
            ) from None

    async def websocket(self, path: str, params: Mapping[str, str]) -> "aiohttp.ClientWebSocketResponse[Any]":
        """Opens a websocket. Raises aiohttp and OS errors as they come: the caller falls back to polling."""
        return await self._session.ws_connect(
            self.address.url(path),
            params={**self.address.query, **params},
            heartbeat=30,
            # Node outputs and previews travel in one message each and pass aiohttp's 4 MB with ease.
            max_msg_size=LARGEST_ANSWER,
        )


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Raises TimeoutError after `seconds`.

    Unlike asyncio.wait_for up to Python 3.11 it never swallows a cancellation that comes together with the result.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.cancel() and not task.cancelled():
            task.exception()  # has been looked at, so that nobody is told of it later


async def _content(answer: aiohttp.ClientResponse, most: int) -> bytes | None:
    """The bytes of an answer; None when there are more than `most`. Raises TimeoutError when they trickle."""
    pieces, size, begun = [], 0, time.monotonic()
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > most:
            answer.close()
            return None
        if time.monotonic() - begun > (TIMEOUT.sock_read or 0) + size / SLOWEST:
            raise TimeoutError
        pieces.append(piece)
    return b"".join(pieces)


async def _stay(_session: object, _context: object, told: aiohttp.TraceRequestRedirectParams) -> None:
    """Websockets have no option for it: what is sent to one server, such as a token, goes to no other."""
    raise aiohttp.ClientConnectionError(f"HTTP {told.response.status}: it redirects elsewhere")


def unreachable(address: Address, error: Exception) -> ClientError:
    """The plain form of a connection error."""
    return ServerUnreachable(f"No ComfyUI server answers at {address}: {_reason(error)}.")


def _reason(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(cause, ssl.SSLError):
        return "the secure connection failed; check http/https and the server's certificate"
    if isinstance(cause, socket.gaierror):
        return "no machine of that name was found; check the spelling"
    if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
        return "the connection was refused; start the server, or check the port"
    if isinstance(cause, TimeoutError | asyncio.TimeoutError):
        return "it did not respond in time; it may be down, or very busy"
    return "the connection was lost"


def _explain(address: Address, method: str, path: str, status: int) -> str:
    advice = {
        401: "it wants credentials: put them into the address or pass them as headers",
        403: "it does not allow this: check the credentials",
        404: "it does not know that; it may be a different or an older server",
        413: "the upload is larger than it accepts: start it with a higher --max-upload-size",
        502: "a proxy answers there, but not the server behind it",
        503: "it is not ready: try again in a moment",
    }.get(status)
    if advice is None and 300 <= status < 400:
        advice = "it redirects elsewhere: use the address it redirects to, or log in first"
    advice = advice or "see the log of the server"
    return f"The server at {address} answered {method} {path} with HTTP {status}: {advice}."


# Keeping credentials out of everything that is written down or shown.

SHORTEST = 4  # blanking out shorter ones would tear holes into ordinary words


class Secrets:
    """The values that must never be shown: passwords, tokens in the URL, values of headers."""

    def __init__(self, addresses: str | Iterable[str], headers: Mapping[str, str]):
        parsed = [Address.parse(one) for one in ([addresses] if isinstance(addresses, str) else addresses)]
        words = [word for value in headers.values() for word in (value, *value.split())]
        self._words = _longest_first(
            [one.password for one in parsed] + [value for one in parsed for value in one.query.values()] + words
        )

    def hide(self, text: str) -> str:
        """The text with every secret replaced by ***."""
        for word in self._words:
            text = text.replace(word, "***")
        return text


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(
        {word for word in words if len(word) >= SHORTEST and word not in ("Basic", "Bearer", "Token")},
        key=len,
        reverse=True,
    )
