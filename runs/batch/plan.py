"""From what the user gave to a plan: every row is read, converted and checked before the first runs."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ...common.digests import sha256_of_json
from ...common.file_stamp import file_stamp
from ..answers import as_text
from ..errors import RowProblem, fit_to_show
from ..graph import with_changes
from .columns import NAME_COLUMN, Column, check_classes, convert, find_columns, picture_input
from .job import Request
from .pictures import PictureFolder
from .rows import Row, requested_rows


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
    told = [" ".join(filter(None, (as_text(found.get("text")), as_text(found.get("fix"))))) for found in errors]
    return fit_to_show("; ".join(one or "the check finds an error, and does not say which" for one in told))


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


# Says what speaks against running a prompt: an empty text when nothing does.
Check = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class PlannedRow:
    """A row that is ready to run, or `problem` says why it is not.

    key: the same for the same work on the same graph. changes: 'node id.input' -> value. pictures: 'node id.input' -> file
    to be uploaded, whose place in `changes` holds its name. objection: what the check of models says against a row that runs
    all the same.
    """

    number: int
    key: str
    name: str
    where: str
    changes: Mapping[str, Any]
    pictures: Mapping[str, Path]
    problem: str = ""
    objection: str = ""


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
    rows = requested_rows(request, request.picture or picture_input(graph, info))
    names = dict.fromkeys(name for row in rows for name in row.values)
    columns = find_columns(graph, names, info, request.mapping)
    check = ServerCheck(client, asyncio.get_running_loop())
    planned = await asyncio.to_thread(plan_rows, graph, rows, columns, request.folder, check)
    if request.despite_errors:
        planned = [replace(row, problem="" if row.objection else row.problem) for row in planned]
    return Plan(planned, not check.is_missing)


def plan_rows(
    graph: Mapping[str, Any],
    rows: Iterable[Row],
    columns: Mapping[str, Column],
    folder: Path,
    check: Check | None = None,
) -> list[PlannedRow]:
    """Every row in running order, numbered as it was read. `folder` is the one that pictures are named in.

    `check` is asked once for each combination of values that could change its answer; texts, seeds and pictures cannot.
    """
    pictures = PictureFolder(folder)
    graph_hash = sha256_of_json(graph)[:32]
    seen: Counter[str] = Counter()
    planned = []
    for number, row in enumerate(rows, 1):
        one = _planned(number, row, columns, pictures)
        key = sha256_of_json([graph_hash, one.changes, [*map(_stamp, one.pictures.values())], row.problem])[:32]
        seen[key] += 1
        # Two equal rows are two rows: both are wanted, each once.
        planned.append(replace(one, key=key if seen[key] == 1 else f"{key}-{seen[key]}"))
    if check is not None:
        planned = _checked(graph, planned, columns.values(), check)
    order = group_rows([row.changes for row in planned], cost_order(graph, columns.values()))
    return [planned[index] for index in order]


def _planned(number: int, row: Row, columns: Mapping[str, Column], pictures: PictureFolder) -> PlannedRow:
    name = str(row.values.get(NAME_COLUMN, "")) if NAME_COLUMN not in columns else ""
    changes: dict[str, Any] = {}
    files: dict[str, Path] = {}
    problems = [row.problem] if row.problem else []
    for column_name, value in row.values.items():
        column = columns.get(column_name)
        if column is None:
            if column_name != NAME_COLUMN:
                problems.append(f"'{column_name}' names no input that the batch knows")
            continue
        place = f"{column.node}.{column.input}"
        try:
            changes[place] = convert(column, value)
            if column.type == "PICTURE":
                files |= _picture(column, place, changes[place], pictures)
        except RowProblem as problem:
            problems.append(str(problem))
            changes[place] = value if isinstance(value, str | int | float | bool) else str(value)
    return PlannedRow(number, "", name, row.where, changes, files, "; ".join(problems))


def _picture(column: Column, place: str, value: Any, pictures: PictureFolder) -> dict[str, Path]:
    """The file to upload; nothing for a picture that only the server has."""
    try:
        return {place: pictures.find(str(value))}
    except RowProblem:
        if str(value) in column.choices:
            return {}
        raise


def _checked(
    graph: Mapping[str, Any], planned: Sequence[PlannedRow], columns: Iterable[Column], check: Check
) -> list[PlannedRow]:
    matters = [f"{column.node}.{column.input}" for column in columns if _matters(column)]
    answers: dict[str, str] = {}
    checked = []
    for row in planned:
        if not row.problem:
            kind = json.dumps([row.changes.get(place) for place in matters])
            if kind not in answers:
                answers[kind] = check(with_changes(graph, row.changes))
            row = replace(row, problem=answers[kind], objection=answers[kind])  # noqa: PLW2901
        checked.append(row)
    return checked


def _matters(column: Column) -> bool:
    if column.type in ("PICTURE", "STRING"):
        return False
    return "seed" not in column.input


def _stamp(path: Path) -> Sequence[Any]:
    """What tells that a picture was replaced by another of its name."""
    try:
        return file_stamp(path)
    except OSError:  # it went away since it was looked at; so its row fails when it is to be sent
        return [str(path)]


# Which rows stand next to each other: those that share models first, then maps, then the rest.
#
# The host keeps the results of the last run, so a row is cheap where it repeats what the row before it did.


def cost_order(graph: Mapping[str, Any], columns: Iterable[Column]) -> list[Column]:
    """The columns, those first whose change makes the host do most again: model loaders, then by nodes downstream."""
    users: dict[str, set[str]] = {}
    for node_id, node in graph.items():
        for value in node.get("inputs", {}).values():
            if isinstance(value, list) and len(value) == 2:
                users.setdefault(str(value[0]), set()).add(node_id)
    return sorted(columns, key=lambda column: (not column.is_loader, -len(_downstream(users, column.node))))


def group_rows(changes: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[int]:
    """Indices of the rows in running order: equal values of the first columns side by side, else as they came."""
    ranks: list[dict[str, int]] = [{} for _ in columns]

    def key(index: int) -> tuple[int, ...]:
        values = (repr(changes[index].get(f"{column.node}.{column.input}")) for column in columns)
        return tuple(rank.setdefault(value, len(rank)) for rank, value in zip(ranks, values, strict=True))

    keys = [key(index) for index in range(len(changes))]
    return sorted(range(len(changes)), key=lambda index: keys[index])


def _downstream(users: Mapping[str, set[str]], node: str) -> set[str]:
    reached: set[str] = set()
    waiting = [node]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in reached:
                reached.add(user)
                waiting.append(user)
    return reached
