"""A whole batch, from its job to its summary: the same for Python users, for the command, and on several servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client import Client
from ..errors import BatchError, CannotWrite, ClientError
from ..wire import Secrets
from .job import Job, Request, Settings, check_graph, read_graph
from .ledger import DONE, FAILED, REFUSED, SENT, WAITING, Ledger
from .outcome import Recorder, Step
from .patience import PatientServer
from .plan import Asked, Plan, prepare
from .run import Runner
from .summary import DATA, TABLE, write_summary

NOTHING_KEPT = 2  # the exit status where a disk is full
RunRows = Callable[[Ledger, Recorder], Awaitable[None]]
"""Runs the waiting rows of a ledger. Raises BatchError and ClientError when nothing more can run."""


@dataclass(frozen=True)
class BatchResult:
    """counts: rows by state (waiting, sent, done, failed, refused). status: see `exit_status`; 2 too where the results or the
    summary cannot be written.

    table and data: summary.csv and summary.json. stopped: why it ended early, or why there is no summary, or empty.
    """

    counts: Mapping[str, int]
    status: int
    table: Path
    data: Path
    stopped: str = ""


class Display:
    """What a batch shows while it goes on: here nothing."""

    def planned(self, plan: Plan) -> bool:  # noqa: ARG002
        """Every row was checked. Whether to run those that are fit."""
        return True

    def started(self, ledger: Ledger) -> None:
        """The plan is in the ledger; the rows run now."""

    def step(self, step: Step) -> None:
        """Something happened to a row or a server."""

    def refresh(self) -> None:
        """Called twice a second while rows run."""

    def ended(self, ledger: Ledger) -> None:
        """No row runs any more; the summary is written. Raises OSError when something cannot be."""

    def not_written(self, reason: str) -> None:
        """The summary cannot be written."""


async def run_batch(job: Job, server: Asked, run_rows: RunRows, display: Display) -> BatchResult:
    """Plans with the help of `server`, lets `run_rows` run what is fit and not done yet, and writes the summary.

    A plan that is not wanted (`Display.planned`) leaves no ledger and counts no rows; the status says whether all were fit.
    Raises BatchError and ClientError when nothing can run.
    """
    plan = await prepare(server, job.graph, job.request)
    if not display.planned(plan):
        return _result(job, {}, 0 if plan.fit == len(plan.rows) else 2)
    with Ledger(job.out) as ledger:
        ledger.plan(plan.rows)
        plan.rows.clear()
        display.started(ledger)
        stopped, unwritten = "", ""
        try:
            async with ticking(display.refresh):
                await run_rows(ledger, Recorder(job, ledger, display.step))
        except (BatchError, ClientError) as error:
            stopped = job.secrets.hide(str(error))
            unwritten = stopped if isinstance(error, CannotWrite) else ""
        finally:
            unwritten = _summarise(job, ledger, display) or unwritten
        counts = ledger.counts()
        return _result(job, counts, NOTHING_KEPT if unwritten else exit_status(counts), stopped or unwritten)


async def run_on_server(job: Job, address: str, headers: Mapping[str, str], display: Display) -> BatchResult:
    """`run_batch` on the one server at `address`."""
    async with Client(address, headers, patience=job.settings.client_patience) as client:

        def tell(reason: str) -> None:
            display.step(Step(None, WAITING, job.secrets.hide(reason)))

        asked = PatientServer(client, job.settings.patience, tell)
        return await run_batch(
            job, asked, lambda ledger, recorder: Runner(job, client, ledger, recorder).run(), display
        )


def exit_status(counts: Mapping[str, int]) -> int:
    """0: every row came out; 1: some did not; 2: none did."""
    if counts[DONE] and not sum(counts[state] for state in (WAITING, SENT, FAILED, REFUSED)):
        return 0
    return 1 if counts[DONE] else 2


@contextlib.asynccontextmanager
async def ticking(refresh: Callable[[], object]) -> AsyncIterator[None]:
    """Calls `refresh` twice a second while the body runs."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.5)
            refresh()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


def _summarise(job: Job, ledger: Ledger, display: Display) -> str:
    """However the batch ended. Why it could not be done; empty when it was."""
    try:
        write_summary(job.graph, ledger, job.out)
        display.ended(ledger)
    except (OSError, CannotWrite) as error:
        reason = error if isinstance(error, CannotWrite) else CannotWrite(job.out, error.strerror or error)
        display.not_written(str(reason))
        return str(reason)
    return ""


def _result(job: Job, counts: Mapping[str, int], status: int, stopped: str = "") -> BatchResult:
    return BatchResult(counts, status, job.out / TABLE, job.out / DATA, stopped)


# For Python users.


class _StepsAlone(Display):
    def __init__(self, on_step: Callable[[Step], object]):
        self._on_step = on_step

    def step(self, step: Step) -> None:
        self._on_step(step)


def batch(
    graph: Mapping[str, Any] | Path | str,
    rows: Path | str | None,
    *,
    server: str,
    out: Path | str,
    vary: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    picture: str = "",
    pictures: Path | str | None = None,
    headers: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    despite_errors: bool = False,
    on_step: Callable[[Step], object] = lambda _step: None,
) -> BatchResult:
    """Runs `graph` for every row on the server, and waits; what `python armature.py batch` does, less its printing.

    Calling it again with the same `out` does what is left. Raises BatchError and ClientError when nothing can run.
    """
    graph = read_graph(graph) if isinstance(graph, str | Path) else check_graph(graph, "The graph")
    request = Request(_path(rows), vary, mapping or {}, picture, _path(pictures), despite_errors)
    headers = dict(headers or {})
    job = Job(graph, request, Path(out), Secrets(server, headers), settings or Settings())
    return asyncio.run(run_on_server(job, server, headers, _StepsAlone(on_step)))


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
