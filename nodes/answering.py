"""How the pack's routes answer: work in a thread, its result as JSON, and what is wrong as a sentence with a status."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from ..common.short_turns import short_turns
from .request_body import Refused, check_writer, parse_json, read_body


async def posted(request: Any, work: Callable[[Any], dict[str, Any]], where: Executor, writes: bool = False) -> Any:
    """The answer to a request with JSON in its body, which `work` takes; writes: only the server's own page may send it."""
    try:
        if writes:
            check_writer(request)
        content, charset = await read_body(request), request.charset
    except Refused as error:
        return refused(str(error), error.status)
    return await answered(lambda: work(parse_json(content, charset)), where)


def writing(work: Callable[[dict[str, Any]], dict[str, Any]], where: Executor) -> Callable[[Any], Any]:
    """A route whose work takes the JSON object in the body and may change files: only the server's own page may ask for it."""

    def checked(body: Any) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise Refused("The body is no JSON object.")
        return work(body)

    async def route(request: Any) -> Any:
        return await posted(request, checked, where, writes=True)

    return route


async def answered(work: Callable[[], dict[str, Any]], where: Executor | None) -> Any:
    """The answer to a request. where: in which thread the work is done, None for what takes no time."""
    from aiohttp import web

    try:
        # Long answers are turned into text there too.
        done = (
            _as_text(work)
            if where is None
            else await asyncio.get_running_loop().run_in_executor(where, _beside_others, work)
        )
        return web.json_response(text=done)
    except Refused as error:
        return refused(str(error), error.status)
    except ValueError as error:
        return refused(str(error))
    except RecursionError:
        return refused("The body is nested too deeply to be a prompt.")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return refused(f"A file could not be read or written: {what}.", 507 if full else 500)


def _beside_others(work: Callable[[], dict[str, Any]]) -> str:
    with short_turns():
        return _as_text(work)


def _as_text(work: Callable[[], dict[str, Any]]) -> str:
    done = work()
    try:
        return json.dumps(done, allow_nan=False)
    except ValueError:
        raise ValueError("The answer would hold a number that is not finite, as what was asked about does.") from None


def refused(message: str, status: int = 400) -> Any:
    """The answer to a request that is turned away: why, for a person."""
    from aiohttp import web

    return web.json_response({"error": {"type": "not_checked", "message": message}}, status=status)
