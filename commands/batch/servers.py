"""A batch where its options say: on one server, or through Ray on several or on those that a cluster has room for."""

import argparse
import asyncio
import dataclasses
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...runs.batch.batch import BatchResult, run_batch, run_on_server
from ...runs.batch.job import Job
from ...runs.batch.ledger import Ledger
from ...runs.batch.outcome import Recorder
from ...runs.errors import BatchError, ClientError
from ...runs.wire import Address
from ..private_host.host import Host
from .options import job_from, parse_headers
from .ray.cluster import import_ray, join, start_actors, wanted_resources
from .ray.lanes import Lanes
from .ray.runner import RayRunner, first_server
from .screen import Screen

DEFAULT_SERVER = "http://127.0.0.1:8188"
CLOSE_SECONDS = 20.0
NOTHING_RAN = 2


def run_on_servers(arguments: argparse.Namespace) -> int:
    """Plans and runs; says what was wrong with the batch as a whole. Returns the exit status."""
    servers = arguments.server or ([] if arguments.ray is not None else [DEFAULT_SERVER])
    try:
        headers = parse_headers(arguments.header)
        result = run_job(arguments, job_from(arguments, servers, headers), servers, headers)
    except (BatchError, ClientError) as error:
        print(f"armature: {error}", file=sys.stderr)
        return NOTHING_RAN
    if result.stopped:
        print(f"armature: {result.stopped}", file=sys.stderr)
    return result.status


def run_job(arguments: argparse.Namespace, job: Job, servers: Sequence[str], headers: Mapping[str, str]) -> BatchResult:
    """The rows of a job where the options say. Raises BatchError and ClientError when nothing can run."""
    if arguments.ray is None and len(servers) == 1:
        return asyncio.run(run_on_server(job, servers[0], headers, Screen(arguments)))
    return _run_on_cluster(arguments, job, servers, headers)


def _run_on_cluster(
    arguments: argparse.Namespace, job: Job, servers: Sequence[str], headers: Mapping[str, str]
) -> BatchResult:
    """On the servers given, or on those that the cluster has room for. Raises BatchError when nothing can run."""
    settings = _worker_settings(arguments, job, servers, headers)
    wanted = wanted_resources(arguments)
    ray = import_ray()
    join(ray, arguments.ray or "")
    actors: dict[str, Any] = {}
    try:
        actors |= start_actors(ray, settings, servers, wanted)
        lanes = Lanes(ray, actors, arguments.ahead, arguments.patience)
        lanes.tell = lambda text: print(job.secrets.hide(text), flush=True)
        print(f"{len(lanes.all)} server(s) on {arguments.ray or 'this machine'}", flush=True)

        async def run_rows(ledger: Ledger, recorder: Recorder) -> None:
            await RayRunner(ray, lanes, ledger, recorder, job.out, settings["addresses"]).run()

        return asyncio.run(run_batch(job, first_server(ray, lanes), run_rows, Screen(arguments)))
    except BatchError as error:
        raise BatchError(job.secrets.hide(str(error))) from None
    finally:
        _close(ray, list(actors.values()))


def _worker_settings(
    arguments: argparse.Namespace, job: Job, servers: Sequence[str], headers: Mapping[str, str]
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
        "graph": job.graph,
        "addresses": {str(Address.parse(one)): one for one in servers},
        "headers": dict(headers),
        "host": host,
        "arguments": shlex.split(arguments.server_arguments),
        "rows": dataclasses.asdict(job.settings),
    }


def _close(ray: Any, actors: Sequence[Any]) -> None:
    """Ends the servers that were started, then leaves the cluster, or ends the one of this batch."""
    try:
        closing = [actor.close.remote() for actor in actors]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
    finally:
        ray.shutdown()
