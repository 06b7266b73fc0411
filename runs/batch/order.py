"""Which rows stand next to each other: those that share models first, then maps, then the rest.

The host keeps the results of the last run, so a row is cheap where it repeats what the row before it did.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .columns import Column


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
