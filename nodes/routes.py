"""The pack's HTTP routes. Graphs are checked in a thread of their own, in order, so that the server goes on answering."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .request_body import Refused, check_writer, parse_json, read_body

DESK = Path(__file__).resolve().parent / "desk"
# One thread each: two would share one interpreter, and the server's own thread would wait for both. Files do not wait for graphs.
_GRAPHS = ThreadPoolExecutor(1, "armature-graphs")
_FILES = ThreadPoolExecutor(1, "armature-files")


def register_routes() -> None:
    """Add the routes to the running server; without a server (tests of single nodes) there is nothing to add."""
    server = sys.modules.get("server")
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    if instance is None:
        return
    instance.routes.post("/armature/compatibility")(post_compatibility)
    instance.routes.post("/armature/sheet")(post_sheet)
    instance.routes.get("/armature/models")(get_models)
    instance.routes.get("/armature/curve")(get_curve)
    instance.routes.get("/armature/demo_models")(get_demo_models)
    instance.routes.post("/armature/demo_models")(post_demo_models)
    instance.routes.get("/armature")(get_desk)
    instance.routes.get("/armature/")(get_desk_without_slash)
    instance.routes.static("/armature/desk", DESK)
    instance.routes.get("/armature/pictures/{name}")(get_picture)


async def post_compatibility(request: Any) -> Any:
    """The report on the graph in the body; 400 with a reason when the body holds none."""
    from ..models.compatibility.endpoints import answer

    return await _posted(request, answer, _GRAPHS)


async def post_sheet(request: Any) -> Any:
    """Add the graph in the body to the team's sheet."""
    from ..models.compatibility.endpoints import record_verdict

    return await _posted(request, record_verdict, _GRAPHS, writes=True)


async def get_models(request: Any) -> Any:
    """The model files with what they are; `?folder=loras` for one folder."""
    from ..models.compatibility.endpoints import models_table

    folder = request.query.get("folder")
    return await _answered(lambda: models_table(folder), _FILES)


async def get_curve(request: Any) -> Any:
    """The curve of a schedule's text for the editor to draw: `?text=`; 400 with what is wrong with the text."""
    from ..models.guidance.curve import drawn

    text = request.query.get("text", "")
    return await _answered(lambda: drawn(text), None)


async def get_demo_models(_request: Any) -> Any:
    """The files of the demo's models, and which of them the host has."""
    from ..models.demo.provide import table

    return await _answered(table, _FILES)


async def post_demo_models(request: Any) -> Any:
    """Write those that the body names, `{"names": [...]}`, into the host's model folders; 400 when none takes them."""
    from ..models.demo.provide import provide

    return await _posted(request, provide, _FILES, writes=True)


async def get_desk(_request: Any) -> Any:
    """The artist's desk: a page that runs the graphs through the server's public API."""
    from aiohttp import web

    return web.FileResponse(DESK / "index.html")


async def get_picture(request: Any) -> Any:
    """A picture of the node Example Picture, of a set the first; 404 when there is none of that name."""
    from aiohttp import web

    from ..preprocessors.images.example_pictures import example_files

    try:
        return web.FileResponse(example_files(request.match_info["name"])[0])
    except ValueError as error:
        raise web.HTTPNotFound(text=str(error)) from None


async def get_desk_without_slash(_request: Any) -> Any:
    """The addresses in the page are relative to one without a slash at its end, so that it works below any path."""
    from aiohttp import web

    raise web.HTTPFound("../armature")


async def _posted(request: Any, work: Callable[[Any], dict[str, Any]], where: Executor, writes: bool = False) -> Any:
    try:
        if writes:
            check_writer(request)
        content, charset = await read_body(request), request.charset
    except Refused as refused:
        return _refused(str(refused), refused.status)
    return await _answered(lambda: work(parse_json(content, charset)), where)


async def _answered(work: Callable[[], dict[str, Any]], where: Executor | None) -> Any:
    """The answer to a request. where: in which thread the work is done, None for what takes no time."""
    from aiohttp import web

    try:
        done = work() if where is None else await asyncio.get_running_loop().run_in_executor(where, work)
        return web.json_response(done)
    except Refused as refused:
        return _refused(str(refused), refused.status)
    except ValueError as error:
        return _refused(str(error))
    except RecursionError:
        return _refused("The body is nested too deeply to be a prompt.")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _refused(f"A file could not be read or written: {what}.", 507 if full else 500)


def _refused(message: str, status: int = 400) -> Any:
    from aiohttp import web

    return web.json_response({"error": {"type": "not_checked", "message": message}}, status=status)
