"""The HTTP routes of the desk's history. All work is done in threads: the server goes on answering."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .answering import answered, refused, writing
from .request_body import Refused, check_writer, pieces

if TYPE_CHECKING:
    from ..runs.history.project import Project, Projects
    from ..runs.history.rows import Rows

ROUTE = "/armature/history"
LARGEST_ARCHIVE = 8 * 2**30  # bytes, packed
_BLOCK = 2**20
# Lists do not wait for a model file that is read for its sum, nor for archives.
_LISTS = ThreadPoolExecutor(2, "armature-history")
_LONG = ThreadPoolExecutor(2, "armature-history-long")
_TAKEN: set[str] = set()  # ids of the host's runs that were looked at; the host remembers as long as this process does


def register_history(routes: Any) -> None:
    """Add the routes to the server's."""
    routes.get(ROUTE)(get_rows)
    routes.get(f"{ROUTE}/run")(get_run)
    routes.get(f"{ROUTE}/file")(get_file)
    routes.get(f"{ROUTE}/batch")(get_batch)
    routes.get(f"{ROUTE}/compare")(get_comparison)
    routes.get(f"{ROUTE}/export")(get_archive)
    routes.post(f"{ROUTE}/import")(post_archive)
    for name, (work, where) in _WRITING.items():
        routes.post(f"{ROUTE}/{name}")(writing(work, where))


async def get_rows(request: Any) -> Any:
    """A project's runs, `?project=`; without rows where `?known=` is still their version."""
    name, known = request.query.get("project"), request.query.get("known", "")

    def table() -> dict[str, Any]:
        projects = _projects()
        return {"projects": projects.names(), **_rows().table(projects.project(name), known)}

    return await answered(table, _LISTS)


async def get_run(request: Any) -> Any:
    """All that is recorded of a run: `?project=&run=`."""
    return await answered(lambda: dict(_project(request).read(request.query.get("run", "")).data), _LISTS)


async def get_batch(request: Any) -> Any:
    """The runs of a batch that have ended, `?project=&batch=`, as rows by their number in it."""
    batch = request.query.get("batch", "")
    return await answered(lambda: _rows().batch(_project(request), batch), _LISTS)


async def get_comparison(request: Any) -> Any:
    """What lies between two runs: `?project=&first=&second=`."""
    first, second = (request.query.get(name, "") for name in ("first", "second"))

    def work() -> dict[str, Any]:
        from ..runs.history.comparing import compare

        return compare(_project(request), first, second)

    return await answered(work, _LONG)


async def get_file(request: Any) -> Any:
    """A picture, `?project=&name=`; with `&small=1` a small one, and with `?run=` that of a run; 404 where there is none."""
    from aiohttp import web

    run, name, small = request.query.get("run"), request.query.get("name", ""), request.query.get("small")

    def find() -> Path:
        from ..runs.history.thumbnails import small_file, thumbnail

        project = _project(request)
        return (
            thumbnail(project, run) if run is not None else small_file(project, name) if small else project.file(name)
        )

    try:
        path = await asyncio.get_running_loop().run_in_executor(_LISTS, find)
    except (ValueError, OSError) as error:
        return refused(str(error), 404)
    # No browser guesses that a picture is a page.
    return web.FileResponse(
        path, headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=86400"}
    )


async def get_archive(request: Any) -> Any:
    """A project as a zip file: `?project=`."""
    from aiohttp import web

    loop = asyncio.get_running_loop()

    def work(path: Path) -> str:
        from ..runs.history.archive import export, file_name

        project = _project(request)
        export(project, path)
        return file_name(project)

    async with contextlib.AsyncExitStack() as stack:
        try:
            path = await stack.enter_async_context(_temporary_file())
            name = await loop.run_in_executor(_LONG, work, path)
        except (ValueError, OSError) as error:
            return refused(str(error), 507 if isinstance(error, OSError) else 400)
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(path.stat().st_size),
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with path.open("rb") as stream:
            while block := await loop.run_in_executor(_LONG, stream.read, _BLOCK):
                await response.write(block)
        await response.write_eof()
        return response


async def post_archive(request: Any) -> Any:
    """Add the runs in a zip file, which is the body, to a project: `?project=`."""

    def work(path: Path) -> dict[str, Any]:
        from ..runs.history.archive import bring_in

        added, known = bring_in(_project(request), path)
        return {"added": added, "known": known}

    try:
        check_writer(request, "application/zip")
        async with _temporary_file() as path:
            await _store(request, path)
            return await answered(lambda: work(path), _LONG)
    except Refused as error:
        return refused(str(error), error.status)
    except OSError as error:
        return refused(f"The file could not be stored: {error.strerror or error}.", 507)


async def _store(request: Any, path: Path) -> None:
    """The body into a file. Raises Refused where it is too large, and OSError."""
    too_large = Refused(f"The file is larger than {LARGEST_ARCHIVE // 2**30} GB.", 413)
    loop = asyncio.get_running_loop()
    with path.open("wb") as stream:
        async for block in pieces(request, LARGEST_ARCHIVE, too_large, _BLOCK):
            await loop.run_in_executor(_LONG, stream.write, block)


def _take(asked: dict[str, Any]) -> dict[str, Any]:
    """Take in what has ended of a project's runs since. A run that is not to be kept is told of."""
    from ..runs.history.taking import ended_run, take
    from ..runs.record.host_facts import HostFacts

    project, notes = _projects().project(asked.get("project")), []
    for prompt_id, entry in _host_history().items():
        if prompt_id in _TAKEN:
            continue
        run = ended_run(prompt_id, entry)
        try:
            if run is None:
                _TAKEN.add(prompt_id)
            elif run.project == project.name:
                take(project, run, HostFacts())
                _TAKEN.add(prompt_id)
        except ValueError as error:
            _TAKEN.add(prompt_id)
            notes.append(f"A run could not be kept in the history: {error}")
    return {"notes": notes}


def _edit(asked: dict[str, Any]) -> dict[str, Any]:
    project = _projects().project(asked.get("project"))
    project.edit(asked.get("run", ""), name=asked.get("name"), starred=asked.get("starred"))
    return {}


def _delete(asked: dict[str, Any]) -> dict[str, Any]:
    _projects().project(asked.get("project")).delete(asked.get("run", ""))
    return {}


def _bring_back(asked: dict[str, Any]) -> dict[str, Any]:
    _projects().project(asked.get("project")).bring_back(asked.get("run", ""))
    return {}


def _restore(asked: dict[str, Any]) -> dict[str, Any]:
    """A run's settings; its pictures are put back where the server has lost them."""
    from ..runs.history.restoring import restore
    from ..runs.record.host_facts import HostFacts

    return restore(_projects().project(asked.get("project")), asked.get("run", ""), HostFacts())


_WRITING: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], Executor]] = {
    "take": (_take, _LONG),
    "edit": (_edit, _LISTS),
    "delete": (_delete, _LISTS),
    "bring_back": (_bring_back, _LISTS),
    "restore": (_restore, _LISTS),
}


def _host_history() -> dict[str, Any]:
    """What the host remembers of ended runs, by their ids."""
    server = sys.modules.get("server")
    queue = getattr(getattr(getattr(server, "PromptServer", None), "instance", None), "prompt_queue", None)
    return {} if queue is None else queue.get_history()


def _projects() -> Projects:
    import folder_paths

    from ..runs.history.project import Projects

    return Projects(Path(folder_paths.get_user_directory()) / "armature" / "projects")


def _project(request: Any) -> Project:
    return _projects().project(request.query.get("project"))


@cache
def _rows() -> Rows:
    from ..runs.history.rows import Rows

    return Rows()


@contextlib.asynccontextmanager
async def _temporary_file() -> AsyncIterator[Path]:
    """A file in the host's folder for such, removed afterwards."""
    import folder_paths

    temporary = Path(folder_paths.get_temp_directory())
    loop = asyncio.get_running_loop()
    folder = await loop.run_in_executor(_LONG, _new_folder, temporary)
    try:
        yield folder / "archive.zip"
    finally:
        await loop.run_in_executor(_LONG, shutil.rmtree, folder, True)


def _new_folder(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="armature-", dir=parent))
