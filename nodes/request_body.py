"""What is sent to the pack's routes: from where it may come, how large it may be, and reading it."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

LARGEST = 8 * 2**20
"""Bytes of a body. The largest graph in 1,685 public ones takes less than a tenth of that."""
LARGEST_FILE = 64 * 2**20
"""Bytes of a file that may hold a graph: a picture or film with its graph in it."""


class Refused(Exception):
    """A request that is turned away. status: of the answer."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


def check_writer(request: Any, kind: str = "application/json") -> None:
    """For routes that write: only this kind of body, and only from the server's own page or from a program. Raises Refused.

    A form of any page can send text to any address without asking; JSON it cannot, nor a zip file, without the leave of the
    server.
    """
    if request.content_type != kind:
        sent = request.headers.get("Content-Type", "no type")
        raise Refused(f"The body came as {sent}. Send it with the header Content-Type: {kind}.", 415)
    if _is_foreign(request):
        raise Refused(
            f"This page of {request.headers.get('Origin', 'another site')} may not write here: it is not of this server. Open "
            "ComfyUI's own page, or start the server with --enable-cors-header to let other pages in.",
            403,
        )


async def read_body(request: Any, largest: int = LARGEST) -> bytes:
    """The whole body, of `largest` bytes at most. Raises Refused."""
    content = bytearray()
    async for piece in pieces(request, largest, _too_large(largest)):
        content += piece
    return bytes(content)


async def pieces(request: Any, largest: int, too_large: Refused, size: int = 2**16) -> AsyncIterator[bytes]:
    """The body in pieces of `size` bytes at most. Raises Refused, `too_large` where there are more than `largest` bytes."""
    from aiohttp import ClientPayloadError, web
    from aiohttp.http_exceptions import HttpProcessingError

    if (request.content_length or 0) > largest:
        raise too_large
    left = largest
    try:
        async for piece in request.content.iter_chunked(size):
            left -= len(piece)
            if left < 0:
                raise too_large
            yield piece
    except (HttpProcessingError, ClientPayloadError, web.RequestPayloadError) as error:
        raise Refused(f"The body cannot be read as its header Content-Encoding says ({error}).") from None
    except ConnectionError:  # nobody hears this, and the log needs no traceback
        raise Refused("The connection was lost before the body was whole.") from None


def parse_json(content: bytes, charset: str | None) -> Any:
    """The body as JSON. charset: what the header Content-Type names, or None. Raises Refused."""
    try:
        if charset is not None:
            codecs.lookup(charset)
        return json.loads(content if charset is None else content.decode(charset).removeprefix("\ufeff"))
    except LookupError:
        raise Refused(
            f"The header Content-Type names the encoding {charset!r}, which does not exist. Send UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"The body is no JSON ({error}). Send an API prompt, as Export (API) writes it.") from None


def _too_large(largest: int) -> Refused:
    return Refused(f"The body is larger than {largest // 2**20} MB, which no graph is.", 413)


def _is_foreign(request: Any) -> bool:
    """Whether a browser says that a page of another origin sent it."""
    from comfy.cli_args import args

    origin = request.headers.get("Origin")
    if args.enable_cors_header and args.enable_cors_header in ("*", origin):
        return False  # whoever started the server lets that page in
    site = request.headers.get("Sec-Fetch-Site")  # browsers do not say it on plain http of a network
    if site is not None:
        return site not in ("same-origin", "none")
    if origin is None:
        return False
    # Behind a proxy the address that the browser knows is in the second.
    ours = {request.headers.get(name, "").lower() for name in ("Host", "X-Forwarded-Host")} - {""}
    return urlsplit(origin).netloc.lower() not in ours
