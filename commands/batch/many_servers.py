"""`batch` on several servers: plan, run, summary, as `one_server` does on one."""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...runs.batch.ledger import Ledger
from ...runs.batch.outcome import Book
from ...runs.batch.prepare import prepare
from ...runs.batch.run import exit_status
from ...runs.errors import BatchError, ClientError
from ...runs.wire import Address, Secrets
from ..private_host.host import Host
from .bar import BatchBar
from .ray.cluster import import_ray, join, start_actors, wanted_resources
from .ray.lanes import Lanes
from .ray.runner import RayRunner, first_server
from .screen import finish, request_from, take_in, verdict

CLOSE_SECONDS = 20.0


def run_on_servers(
    arguments: argparse.Namespace,
    graph: dict[str, Any],
    servers: Sequence[str],
    headers: Mapping[str, str],
    secrets: Secrets,
) -> int:
    """Plans and runs on the servers given, or on those that the cluster has room for. Returns the exit status.

    Raises BatchError when nothing can run.
    """
    settings = _settings(arguments, graph, servers, headers)
    wanted = wanted_resources(arguments)
    ray = import_ray()
    join(ray, arguments.ray or "")
    actors: dict[str, Any] = {}
    try:
        actors |= start_actors(ray, settings, servers, wanted)
        lanes = Lanes(ray, actors, arguments.ahead, arguments.patience)
        lanes.tell = lambda text: print(secrets.hide(text), flush=True)
        return _batch(arguments, graph, settings, secrets, ray, lanes)
    except BatchError as error:
        raise BatchError(secrets.hide(str(error))) from None
    finally:
        _close(ray, list(actors.values()))


def _batch(
    arguments: argparse.Namespace,
    graph: dict[str, Any],
    settings: Mapping[str, Any],
    secrets: Secrets,
    ray: Any,
    lanes: Lanes,
) -> int:
    print(f"{len(lanes.all)} server(s) on {arguments.ray or 'this machine'}", flush=True)
    plan = asyncio.run(prepare(first_server(ray, lanes), graph, request_from(arguments)))
    status = verdict(arguments, plan)
    if status is not None:
        return status
    with Ledger(arguments.out) as ledger:
        take_in(plan, ledger, arguments.out)
        bar = BatchBar(ledger.counts(), sys.stdout)
        book = Book(graph, ledger, secrets, arguments.retry, bar.show)
        lanes.tell = book.tell
        stopped = ""
        try:
            RayRunner(ray, lanes, ledger, book, arguments.out, bar.refresh).run(settings["addresses"])
        except (BatchError, ClientError) as error:
            stopped = secrets.hide(str(error))
        finally:
            bar.close()
            finish(graph, ledger, arguments.out)
        if stopped:
            print(f"armature: {stopped}", file=sys.stderr)
        return exit_status(ledger.counts())


def _settings(
    arguments: argparse.Namespace, graph: dict[str, Any], servers: Sequence[str], headers: Mapping[str, str]
) -> dict[str, Any]:
    """What every worker knows; see `worker.Worker`. Raises BatchError."""
    if not servers and arguments.comfyui is None:
        raise BatchError(
            "--ray without --server starts a ComfyUI on the cluster's machines: name yours with --comfyui PATH, which must lie "
            "at the same place on every one, or give the --server addresses."
        )
    host = None
    if not servers:
        found = Host.from_environment()
        host = {**vars(found), "comfyui": str(found.comfyui), "python": str(found.python)}
    return {
        "graph": graph,
        "addresses": {str(Address.parse(one)): one for one in servers},
        "headers": dict(headers),
        "host": host,
        "arguments": shlex.split(arguments.server_arguments),
        "row_seconds": arguments.row_timeout,
        "patience": arguments.patience,
        "minimum_adherence": arguments.minimum_adherence,
    }


def _close(ray: Any, actors: Sequence[Any]) -> None:
    """Ends the servers that were started, then leaves the cluster, or ends the one of this batch."""
    try:
        closing = [actor.close.remote() for actor in actors]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
    finally:
        ray.shutdown()
