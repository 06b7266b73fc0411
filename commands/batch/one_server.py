"""The batch itself: plan, run, summary."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...runs.batch.adherence import check_measured
from ...runs.batch.batch import read_graph
from ...runs.batch.ledger import Ledger
from ...runs.batch.prepare import prepare
from ...runs.batch.run import Runner, Settings, exit_status
from ...runs.client import Client
from ...runs.errors import BatchError, ClientError
from ...runs.wire import Secrets
from .bar import BatchBar
from .options import parse_headers
from .screen import NOTHING_RAN, finish, request_from, take_in, verdict

DEFAULT_SERVER = "http://127.0.0.1:8188"


def run_batch(arguments: argparse.Namespace) -> int:
    """Plans and runs; problems of the whole batch are printed. Returns the exit status."""
    try:
        headers = parse_headers(arguments.header)
        servers = arguments.server or ([] if arguments.ray is not None else [DEFAULT_SERVER])
        secrets = Secrets(servers, headers)
        graph = read_graph(arguments.graph)
        if arguments.minimum_adherence is not None:
            check_measured(graph)
        if arguments.ray is not None or len(servers) > 1:
            from .many_servers import run_on_servers

            return run_on_servers(arguments, graph, servers, headers, secrets)
        return asyncio.run(_batch(arguments, graph, servers[0], headers, secrets))
    except (BatchError, ClientError) as error:
        print(f"armature: {error}", file=sys.stderr)
        return NOTHING_RAN


async def _batch(
    arguments: argparse.Namespace, graph: dict[str, Any], server: str, headers: Mapping[str, str], secrets: Secrets
) -> int:
    async with Client(server, headers, patience=min(30.0, arguments.patience)) as client:
        plan = await prepare(client, graph, request_from(arguments))
        status = verdict(arguments, plan)
        if status is not None:
            return status
        with Ledger(arguments.out) as ledger:
            take_in(plan, ledger, arguments.out)
            settings = _settings(arguments)
            try:
                stopped = await _run(graph, ledger, client, arguments.out, secrets, settings)
            finally:
                finish(graph, ledger, arguments.out)
            if stopped:
                print(f"armature: {stopped}", file=sys.stderr)
            return exit_status(ledger.counts())


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        retry=arguments.retry,
        ahead=arguments.ahead,
        row_seconds=arguments.row_timeout,
        patience=arguments.patience,
        minimum_adherence=arguments.minimum_adherence,
    )


async def _run(
    graph: Mapping[str, Any], ledger: Ledger, client: Client, out: Path, secrets: Secrets, settings: Settings
) -> str:
    """Runs what waits; what stopped it early, or an empty text."""
    bar = BatchBar(ledger.counts(), sys.stdout)
    ticking = asyncio.create_task(_tick(bar.refresh))
    try:
        await Runner(graph, ledger, client, out, secrets, settings, bar.show).run()
    except (BatchError, ClientError) as error:
        return secrets.hide(str(error))
    finally:
        ticking.cancel()
        bar.close()
    return ""


async def _tick(refresh: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(0.5)
        refresh()
