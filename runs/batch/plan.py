"""From rows to a plan: every row converted and checked before the first runs."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...common.digests import sha256_of_json
from ...common.node_names import title_of
from ..errors import RowProblem
from .columns import NAME_COLUMN, Column
from .pictures import PictureFolder
from .rows import Row
from .values import convert

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
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in found:
                found.add(user)
                waiting.append(user)
    return found


# Says what speaks against running a prompt: an empty text when nothing does.
Check = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class PlannedRow:
    """A row that is ready to run, or `problem` says why it is not.

    key: the same for the same work on the same graph. changes: 'node id.input' -> value. pictures: 'node id.input' -> file
    to be uploaded, whose place in `changes` holds its name.
    """

    number: int
    key: str
    name: str
    where: str
    changes: Mapping[str, Any]
    pictures: Mapping[str, Path]
    problem: str = ""


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


def with_changes(graph: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The graph with the inputs that a planned row changes; `graph` stays as it is."""
    prompt = dict(graph)
    for place, value in changes.items():
        node, name = split_place(graph, place)
        prompt[node] = {**prompt[node], "inputs": {**prompt[node].get("inputs", {}), name: value}}
    return prompt


def split_place(graph: Mapping[str, Any], place: str) -> tuple[str, str]:
    """'9:2.method.low' -> ('9:2', 'method.low'); ids may hold dots, so the longest that fits counts."""
    node = max((one for one in graph if place.startswith(f"{one}.")), key=len)
    return node, place[len(node) + 1 :]


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
            row = replace(row, problem=answers[kind])  # noqa: PLW2901
        checked.append(row)
    return checked


def _matters(column: Column) -> bool:
    if column.type in ("PICTURE", "STRING"):
        return False
    return "seed" not in column.input


def _stamp(path: Path) -> list[Any]:
    """What tells that a picture was replaced by another of its name."""
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]


def describe_changes(graph: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes by the nodes' titles, for summaries: 'Sampler.seed' -> 4; by id where a title is not unique."""
    titles = Counter(title_of(node) for node in graph.values())
    described = {}
    for place, value in changes.items():
        node, name = split_place(graph, place)
        title = title_of(graph[node])
        described[f"{title if titles[title] == 1 and title else node}.{name}"] = value
    return described
