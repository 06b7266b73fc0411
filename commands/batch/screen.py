"""What a batch shows at its beginning and its end, on one server or on several."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...runs.batch.ledger import DONE, REFUSED, SENT, WAITING, Ledger
from ...runs.batch.prepare import Plan, Request
from ...runs.batch.summary import write_summary
from .options import parse_mapping
from .sheet import write_sheets

MOST_SHOWN = 20  # refused rows on the screen; the summary has them all


NOTHING_RAN = 2


UNCHECKED = "The server has no compatibility check: whether its models fit together shows only when they run."


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
