"""From what the user gave to a plan: ask the server about its nodes, read the rows, check every one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import BatchError
from .columns import check_classes, find_columns, picture_input
from .job import Request
from .plan import PlannedRow, plan_rows
from .rows import Row, read_rows
from .values import multiply, parse_vary

# Whether the models of a row fit together: the server's Armature looks at its own files.


class Asked(Protocol):
    """What planning asks of a server: a Client, or one that is reached in another way."""

    async def object_info(self, node: str | None = None) -> dict[str, Any]:
        """As Client.object_info."""
        ...

    async def compatibility(self, prompt: Mapping[str, Any]) -> dict[str, Any] | None:
        """As Client.compatibility."""
        ...


async def objections(client: Asked, prompt: Mapping[str, Any]) -> str | None:
    """The errors that the check finds in a prompt, as one text, empty without any; None when there is no check."""
    report = await client.compatibility(prompt)
    if report is None:
        return None
    errors = [found for found in report.get("findings", ()) if found.get("severity") == "error"]
    return "; ".join(" ".join(filter(None, (found.get("text"), found.get("fix")))) for found in errors)


class ServerCheck:
    """The check for the planner, which works in a thread beside the client's event loop.

    `is_missing` turns True when the server has no check; everything passes then.
    """

    def __init__(self, client: Asked, loop: asyncio.AbstractEventLoop):
        self._client = client
        self._loop = loop
        self.is_missing = False

    def __call__(self, prompt: Mapping[str, Any]) -> str:
        """What speaks against the prompt; empty without objections."""
        if self.is_missing:
            return ""
        answer = asyncio.run_coroutine_threadsafe(objections(self._client, prompt), self._loop).result()
        self.is_missing = answer is None
        return answer or ""


@dataclass(frozen=True)
class Plan:
    """Every row in running order. models_checked: False when the server has no compatibility check."""

    rows: list[PlannedRow]
    models_checked: bool

    @property
    def fit(self) -> int:
        """How many rows can run."""
        return sum(not row.problem for row in self.rows)


async def prepare(client: Asked, graph: Mapping[str, Any], request: Request) -> Plan:
    """The plan of a batch. Raises BatchError when nothing can run, and ClientError when the server does not answer."""
    info: dict[str, Any] = {}
    for class_type in {node["class_type"] for node in graph.values()}:
        info |= await client.object_info(class_type)
    check_classes(graph, info)
    rows = _rows(request, request.picture or picture_input(graph, info))
    names = dict.fromkeys(name for row in rows for name in row.values)
    columns = find_columns(graph, names, info, request.mapping)
    check = ServerCheck(client, asyncio.get_running_loop())
    planned = await asyncio.to_thread(plan_rows, graph, rows, columns, request.folder, check)
    return Plan(planned, not check.is_missing)


def _rows(request: Request, picture: str) -> list[Row]:
    lists = [parse_vary(text, request.folder) for text in request.vary]
    if request.source is None and not lists:
        raise BatchError("There are no rows: give ROWS, or --vary COLUMN=VALUES.")
    first = read_rows(request.source, picture) if request.source else [Row("--vary", {})]
    rows = list(multiply(first, lists))
    if not rows:
        raise BatchError(f"{request.source or 'The list'} has no rows.")
    return rows
