"""The batch on a cluster: rows out of the ledger to whichever server has room, and what became of them back into it.

Ray places the actors, starts them again where a machine is lost, and carries rows and results. The ledger, which stays on this
machine, is the truth: a row is noted as sent before its actor hears of it, and as done once its pictures lie here.
"""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ....common.atomic_write import write_bytes
from ....runs.batch.ledger import SENT, Entry, Ledger
from ....runs.batch.outcome import AWAY, FAULT, LOST, Recorder
from ....runs.batch.pictures import read_picture
from ....runs.errors import BatchError, CannotWrite, RowProblem
from .lanes import Lane, Lanes, plain

TICK = 0.5  # seconds between two looks at servers that are away
CANCEL_SECONDS = 6.0


class DistantServer:
    """The part of the client that planning needs, asked of an actor: its server may listen on its own machine alone."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._actor = actor
        self._errors = ray.exceptions.RayError

    async def object_info(self, node: str | None = None) -> dict[str, Any]:
        """As Client.object_info."""
        return await self._ask("object_info", node)

    async def compatibility(self, prompt: Mapping[str, Any]) -> dict[str, Any] | None:
        """As Client.compatibility."""
        return await self._ask("compatibility", dict(prompt))

    async def _ask(self, question: str, *arguments: Any) -> Any:
        try:
            return await self._actor.ask.remote(question, *arguments)
        except self._errors as error:
            raise BatchError(plain(error)) from None


class RayRunner:
    """Runs the waiting rows of `ledger` through `lanes`; results go into `out`, what becomes of the rows to `recorder`.

    given: the servers that were not started by this batch, by the addresses that are shown.
    """

    def __init__(
        self, ray: Any, lanes: Lanes, ledger: Ledger, recorder: Recorder, out: Path, given: Collection[str]
    ) -> None:
        self._ray = ray
        self._lanes = lanes
        self._ledger = ledger
        self._recorder = recorder
        self._out = out
        self._given = given
        self._rows: dict[Any, tuple[Lane, Entry]] = {}
        self._wrong: dict[str, set[str]] = {}  # of a row, by key, the servers whose answers about it were none
        lanes.tell = recorder.tell

    async def run(self) -> None:
        """Until no row waits. Raises BatchError when nothing more can run; what was done stays done."""
        self._put_back()
        try:
            while self._fill() or self._rows:
                self._lanes.refresh()
                self._take_in()
                await asyncio.sleep(0)  # whatever else runs beside it, such as the bar, gets its turn
        except BaseException:
            self._stop()
            raise

    def _put_back(self) -> None:
        """Rows that an earlier start sent to servers that are gone wait again; those on given servers are asked after."""
        for entry in self._ledger.next_rows(SENT, -1):
            if entry.server not in self._given:
                self._ledger.put_back(entry.key, lost=False)

    def _fill(self) -> bool:
        """Gives rows to the servers with room. Whether any row is left."""
        idle: set[Lane] = set()
        for lane in self._lanes.free(idle):
            entry = self._next(lane)
            if entry is None:
                idle.add(lane)
            else:
                self._send(lane, entry)
        return self._next() is not None

    def _next(self, lane: Lane | None = None) -> Entry | None:
        """The next row, for `lane`: of those that other servers may give, none that it answered wrongly about."""
        taken = {entry.key for _, entry in self._rows.values()}
        if lane is not None:
            taken |= {key for key, names in self._wrong.items() if lane.name in names and self._may_elsewhere(names)}
        return self._ledger.next_row(taken)

    def _may_elsewhere(self, names: Collection[str]) -> bool:
        return any(other.name not in names for other in self._lanes.all)

    def _send(self, lane: Lane, entry: Entry) -> None:
        try:
            pictures = {place: (Path(path).name, read_picture(Path(path))) for place, path in entry.pictures.items()}
        except RowProblem as problem:
            self._recorder.ended(entry, FAULT, str(problem), begun=False)
            return
        resume = entry.server if entry.state == SENT else ""
        prompt_id = entry.prompt_id if resume else str(uuid.uuid4())
        if not resume:
            self._ledger.send(entry.key, str(prompt_id), lane.address)
        job = {
            "entry": dataclasses.asdict(entry),
            "prompt_id": prompt_id,
            "pictures": pictures,
            "resume": resume or "",
        }
        lane.busy += 1
        self._rows[lane.actor.run.remote(job)] = (lane, entry)

    def _take_in(self) -> None:
        waited = [*self._rows, *(lane.waiting for lane in self._lanes.all if lane.waiting is not None)]
        done = wait_for(self._ray, waited)
        for reference in [one for one in done if one in self._rows]:
            lane, entry = self._rows.pop(reference)
            lane.busy -= 1
            try:
                self._keep(lane, entry, self._ray.get(reference))
            except self._ray.exceptions.RayError as error:
                self._lanes.lose(lane, plain(error))
                self._recorder.ended(entry, LOST, f"the machine of {lane.name} is gone", begun=True)

    def _keep(self, lane: Lane, entry: Entry, outcome: Mapping[str, Any]) -> None:
        if outcome["kind"] == "done":
            try:
                for name, content in outcome["files"]:
                    write_bytes(self._out / name, content)
            except OSError as error:
                raise CannotWrite(self._out, error.strerror or error) from None
            self._recorder.done(entry, [name for name, _ in outcome["files"]], outcome["texts"], outcome["seconds"])
            return
        if outcome["kind"] == FAULT and outcome["is_answer"]:
            names = self._wrong.setdefault(entry.key, set())
            names.add(lane.name)
            if self._may_elsewhere(names):
                self._ledger.put_back(entry.key, lost=False)
                self._recorder.tell(f"{entry.place} goes to another server. {outcome['reason']}")
                return
        if outcome["kind"] == AWAY:
            self._lanes.lose(lane, outcome["reason"])
        # A server that stays away has lost its rows, as far as this batch can tell.
        kind = LOST if outcome["kind"] == AWAY else outcome["kind"]
        self._recorder.ended(entry, kind, outcome["reason"], begun=outcome["begun"])

    def _stop(self) -> None:
        """Somebody stopped the batch, or it cannot go on: no server should work on for hours."""
        for reference in self._rows:
            self._ray.cancel(reference)
        if self._rows:
            self._ray.wait(list(self._rows), num_returns=len(self._rows), timeout=CANCEL_SECONDS)
        for _, entry in self._rows.values():
            self._ledger.put_back(entry.key, lost=False)


def first_server(ray: Any, lanes: Lanes) -> DistantServer:
    """The first server that is up, for planning. Raises BatchError."""
    while True:
        for lane in lanes.refresh():
            return DistantServer(ray, lane.actor)
        wait_for(ray, [lane.waiting for lane in lanes.all if lane.waiting is not None])


def wait_for(ray: Any, references: list[Any]) -> list[Any]:
    """Until one of these answers is there, or half a second is over; those that are."""
    if not references:
        time.sleep(TICK)
        return []
    ready, _ = ray.wait(references, timeout=TICK)
    return ready
