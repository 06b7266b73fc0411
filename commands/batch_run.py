"""The batch itself: plan, run, summary."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runs.batch.adherence import check_measured
from ..runs.batch.errors import BatchError
from ..runs.batch.graph_file import read_graph
from ..runs.batch.ledger import DONE, REFUSED, SENT, WAITING, Ledger
from ..runs.batch.prepare import Plan, Request, prepare
from ..runs.batch.run import Runner, Settings, exit_status
from ..runs.batch.secrets import Secrets
from ..runs.batch.summary import write_summary
from ..runs.client import Client
from ..runs.errors import ClientError
from .batch_bar import BatchBar
from .batch_options import parse_headers, parse_mapping
from .batch_sheet import write_sheets

MOST_SHOWN = 20  # refused rows on the screen; the summary has them all
NOTHING_RAN = 2
DEFAULT_SERVER = "http://127.0.0.1:8188"
UNCHECKED = "The server has no compatibility check: whether its models fit together shows only when they run."


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
            from .batch_ray.command import run_on_servers

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


def request_from(arguments: argparse.Namespace) -> Request:
    """Which rows the options name."""
    mapping = parse_mapping(arguments.map)
    return Request(arguments.rows, arguments.vary, mapping, arguments.picture, arguments.pictures)


def verdict(arguments: argparse.Namespace, plan: Plan) -> int | None:
    """Shows the plan; the exit status when nothing is to run, else None."""
    _show_plan(plan)
    all_fit = plan.fit == len(plan.rows)
    if arguments.check or not plan.fit or (arguments.strict and not all_fit):
        return 0 if all_fit else NOTHING_RAN
    return None


def take_in(plan: Plan, ledger: Ledger, out: Path) -> None:
    """The plan into the ledger; says what is there already."""
    ledger.plan(plan.rows)
    plan.rows.clear()
    _show_start(ledger, out)


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


def _show_plan(plan: Plan) -> None:
    if not plan.models_checked:
        print(UNCHECKED)
    bad = sorted((row for row in plan.rows if row.problem), key=lambda row: row.number)
    for row in bad[:MOST_SHOWN]:
        print(f"{row.where}: {row.problem}")
    if len(bad) > MOST_SHOWN:
        print(f"… and {len(bad) - MOST_SHOWN} more")
    print(f"{len(plan.rows)} rows: {plan.fit} fit to run, {len(bad)} refused.", flush=True)


def _show_start(ledger: Ledger, out: Path) -> None:
    counts = ledger.counts()
    if counts[DONE]:
        left = counts[WAITING] + counts[SENT]
        print(f"{out} holds {counts[DONE]} of them already; {left} are left.", flush=True)
    if ledger.left_over():
        print(
            f"{ledger.left_over()} rows of earlier lists or graphs stay in the ledger and are left alone.", flush=True
        )


def finish(graph: Mapping[str, Any], ledger: Ledger, out: Path) -> None:
    """Summary and contact sheets, however the batch ended."""
    try:
        written = [*write_summary(graph, ledger, out), *write_sheets(ledger.entries(), out)]
    except OSError as error:
        print(f"armature: the summary cannot be written to {out}: {error.strerror}.", file=sys.stderr)
        return
    counts = ledger.counts()
    print(", ".join(f"{number} {state}" for state, number in counts.items() if number))
    for entry in [one for one in ledger.entries() if one.state not in (DONE, REFUSED) and one.reason][:MOST_SHOWN]:
        print(f"  {entry.place}: {entry.reason}")
    print(f"{written[0]}, {written[1].name} and {len(written) - 2} contact sheet(s)", flush=True)
