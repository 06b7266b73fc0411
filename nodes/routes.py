"""The pack's HTTP routes. Graphs are checked in a thread of their own, in order, so that the server goes on answering."""

from __future__ import annotations

import asyncio
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from .answering import answered, posted, refused
from .history_routes import register_history
from .preset_routes import register_presets
from .request_body import LARGEST_FILE, Refused, read_body

DESK = Path(__file__).resolve().parent / "desk"
# What a request needs is imported where its work is done, in the thread: the first import of some takes a fifth of a second.
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
    instance.routes.get("/armature/weights")(get_weights)
    instance.routes.get("/armature/demo_models")(get_demo_models)
    instance.routes.post("/armature/demo_models")(post_demo_models)
    instance.routes.get("/armature")(get_desk)
    instance.routes.get("/armature/")(get_desk_without_slash)
    # Not the server's own way for folders: it ends in an error of status 500 for a name that the disk refuses.
    instance.routes.get(r"/armature/desk/{name:[a-z_]{1,60}\.(?:css|js)}")(get_desk_part)
    instance.routes.get("/armature/pictures/{name}")(get_picture)
    instance.routes.post("/armature/prompt")(post_prompt)
    instance.routes.get("/armature/pose_figure")(get_pose_figure)
    register_history(instance.routes)
    register_presets(instance.routes)


async def post_compatibility(request: Any) -> Any:
    """The report on the graph in the body; 400 with a reason when the body holds none."""
    return await posted(request, lambda body: _endpoints().answer(body), _GRAPHS)


async def post_sheet(request: Any) -> Any:
    """Add the graph in the body to the team's sheet."""
    return await posted(request, lambda body: _endpoints().record_verdict(body), _GRAPHS, writes=True)


async def get_models(request: Any) -> Any:
    """The model files with what they are; `?folder=loras` for one folder."""
    folder = request.query.get("folder")
    return await answered(lambda: _endpoints().models_table(folder), _FILES)


async def get_curve(request: Any) -> Any:
    """The curve of a schedule's text for the editor to draw: `?text=`; 400 with what is wrong with the text."""
    from ..models.guidance.curve import drawn

    text = request.query.get("text", "")
    return await answered(lambda: drawn(text), None)


async def get_weights(request: Any) -> Any:
    """The weights that a text lists, `?text=`, as Weight Sweep reads it; 400 with what is wrong with the text."""
    from ..preprocessors.adherence.sweep import parse_weights

    text = request.query.get("text", "")
    return await answered(lambda: {"weights": parse_weights(text, "Weights")}, None)


async def get_demo_models(_request: Any) -> Any:
    """The files of the demo's models, and which of them the host has."""
    return await answered(lambda: _demo_models().table(), _FILES)


async def post_demo_models(request: Any) -> Any:
    """Write those that the body names, `{"names": [...]}`, into the host's model folders; 400 when none takes them."""
    return await posted(request, lambda body: _demo_models().provide(body), _FILES, writes=True)


async def get_desk(_request: Any) -> Any:
    """The artist's desk: a page that runs the graphs through the server's public API."""
    from aiohttp import web

    return web.Response(text=await asyncio.to_thread(_desk_page), content_type="text/html", charset="utf-8")


def _desk_page() -> str:
    """The page with its style sheets in it: a browser paints nothing before it has them."""

    def sheet(link: re.Match[str]) -> str:
        return f"<style>\n{(DESK / link[1]).read_text(encoding='utf-8')}</style>"

    page = (DESK / "index.html").read_text(encoding="utf-8")
    return re.sub(r'<link rel="stylesheet" href="armature/desk/([a-z_]+\.css)">', sheet, page)


async def get_desk_part(request: Any) -> Any:
    """A file that the desk's page loads; 404 when there is none of that name."""
    from aiohttp import web

    path = DESK / request.match_info["name"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path)


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


async def post_prompt(request: Any) -> Any:
    """The graph in a file, which is the body, as an API prompt; 400 with what the file is instead."""

    def work() -> dict[str, Any]:
        from ..models.compatibility.opened import opened

        return opened(content)

    try:
        content = await read_body(request, LARGEST_FILE)
    except Refused as error:
        return refused(str(error), error.status)
    return await answered(work, _GRAPHS)


async def get_pose_figure(_request: Any) -> Any:
    """Which points of a pose belong together, in which colours: what a page needs to draw one."""
    from ..preprocessors.pose.drawing import figure

    return await answered(figure, None)


def _endpoints() -> ModuleType:
    from ..models.compatibility import endpoints

    return endpoints


def _demo_models() -> ModuleType:
    from ..models.demo import provide

    return provide
