"""What a batch shows in the terminal, on one server or on several."""

import argparse
import sys

from ...runs.batch.batch import Display
from ...runs.batch.ledger import DONE, REFUSED, SENT, WAITING, Ledger
from ...runs.batch.outcome import Step
from ...runs.batch.prepare import Plan
from ...runs.batch.summary import DATA, TABLE
from .bar import BatchBar
from .sheet import write_sheets

MOST_SHOWN = 20  # refused rows on the screen; the summary has them all
UNCHECKED = "The server has no compatibility check: whether its models fit together shows only when they run."


class Screen(Display):
    """The plan, the bar while rows run, and what came out, contact sheets included."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._out = arguments.out
        self._only_check = arguments.check
        self._strict = arguments.strict
        self._bar: BatchBar | None = None

    def planned(self, plan: Plan) -> bool:
        """Shows it. Not to be run: what is only to be checked, what has no fit row, and under --strict any that is not."""
        if not plan.models_checked:
            print(UNCHECKED)
        bad = sorted((row for row in plan.rows if row.problem), key=lambda row: row.number)
        for row in bad[:MOST_SHOWN]:
            print(f"{row.where}: {row.problem}")
        if len(bad) > MOST_SHOWN:
            print(f"… and {len(bad) - MOST_SHOWN} more")
        print(f"{len(plan.rows)} rows: {plan.fit} fit to run, {len(bad)} refused.", flush=True)
        return bool(plan.fit) and not self._only_check and not (self._strict and bad)

    def started(self, ledger: Ledger) -> None:
        """What is there already."""
        counts = ledger.counts()
        if counts[DONE]:
            left = counts[WAITING] + counts[SENT]
            print(f"{self._out} holds {counts[DONE]} of them already; {left} are left.", flush=True)
        if ledger.left_over():
            print(
                f"{ledger.left_over()} rows of earlier lists or graphs stay in the ledger and are left alone.",
                flush=True,
            )
        self._bar = BatchBar(counts, sys.stdout)

    def step(self, step: Step) -> None:
        """Moves the bar, and says what went wrong."""
        if self._bar is not None:
            self._bar.show(step)

    def refresh(self) -> None:
        """The bar, with the time that has passed."""
        if self._bar is not None:
            self._bar.refresh()

    def ended(self, ledger: Ledger) -> None:
        """Contact sheets, and how many rows came out."""
        self._close_bar()
        sheets = write_sheets(ledger.entries(), self._out)
        counts = ledger.counts()
        print(", ".join(f"{number} {state}" for state, number in counts.items() if number))
        for entry in [one for one in ledger.entries() if one.state not in (DONE, REFUSED) and one.reason][:MOST_SHOWN]:
            print(f"  {entry.place}: {entry.reason}")
        print(f"{self._out / TABLE}, {DATA} and {len(sheets)} contact sheet(s)", flush=True)

    def not_written(self, error: OSError) -> None:
        """The rows' own pictures and the ledger are there all the same."""
        self._close_bar()
        print(f"armature: the summary cannot be written to {self._out}: {error.strerror}.", file=sys.stderr)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
