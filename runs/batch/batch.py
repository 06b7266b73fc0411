"""A whole batch as one call, for Python users."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client import Client
from ..errors import BatchError
from ..wire import Secrets
from .ledger import Ledger
from .prepare import Request, prepare
from .run import Runner, Settings, Step, exit_status
from .summary import write_summary

# Reading the graph of a batch: an API prompt, as the front end exports it.

ADVICE = "In ComfyUI choose Workflow, Export (API)."


def read_graph(path: Path) -> dict[str, Any]:
    """The API prompt in `path`. Raises BatchError for everything else, graphs saved for the front end included."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror or 'cannot be read'}. Give the graph's JSON file.") from None
    except (ValueError, RecursionError):
        raise BatchError(f"{path} is not JSON. {ADVICE}") from None
    return check_graph(data, str(path))


def check_graph(data: object, where: str) -> dict[str, Any]:
    """`data` if it is an API prompt. Raises BatchError, with `where` to name the place."""
    if isinstance(data, Mapping) and isinstance(data.get("nodes"), list):
        raise BatchError(f"{where} is a graph for the front end, not an API prompt. {ADVICE}")
    if not isinstance(data, Mapping) or not data:
        raise BatchError(f"{where} holds no API prompt. {ADVICE}")
    for node_id, node in data.items():
        inputs = node.get("inputs", {}) if isinstance(node, Mapping) else None
        if not isinstance(inputs, Mapping) or not isinstance(node.get("class_type"), str):
            raise BatchError(f"{where}: '{node_id}' is not a node with class_type and inputs. {ADVICE}")
    return dict(data)


@dataclass(frozen=True)
class BatchResult:
    """counts: rows by state (waiting, sent, done, failed, refused). status: 0 all came out, 1 some, 2 none.

    table and data: summary.csv and summary.json. stopped: why it ended early, or empty.
    """

    counts: Mapping[str, int]
    status: int
    table: Path
    data: Path
    stopped: str = ""


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
    on_step: Callable[[Step], object] = lambda _step: None,
) -> BatchResult:
    """Runs `graph` for every row on the server, and waits; what `python armature.py batch` does, less its printing.

    Calling it again with the same `out` does what is left. Raises BatchError and ClientError when nothing can run.
    """
    graph = read_graph(Path(graph)) if isinstance(graph, str | Path) else check_graph(graph, "The graph")
    request = Request(_path(rows), vary, mapping or {}, picture, _path(pictures))
    return asyncio.run(_batch(graph, request, server, Path(out), dict(headers or {}), settings or Settings(), on_step))


async def _batch(
    graph: Mapping[str, Any],
    request: Request,
    server: str,
    out: Path,
    headers: Mapping[str, str],
    settings: Settings,
    on_step: Callable[[Step], object],
) -> BatchResult:
    secrets = Secrets(server, headers)
    async with Client(server, headers, patience=min(30.0, settings.patience)) as client:
        plan = await prepare(client, graph, request)
        with Ledger(out) as ledger:
            ledger.plan(plan.rows)
            stopped = ""
            try:
                await Runner(graph, ledger, client, out, secrets, settings, on_step).run()
            except BatchError as error:
                stopped = str(error)
            table, data = write_summary(graph, ledger, out)
            return BatchResult(ledger.counts(), exit_status(ledger.counts()), table, data, stopped)


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)
