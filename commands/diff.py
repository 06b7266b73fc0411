"""Say in words and numbers what changed between two records, with their pictures side by side.

A and B are each a record.json, its folder, or the PNG that Save Record wrote.

Exit status: 0 nothing differs, 1 something does, 2 one of them cannot be read.
"""

import argparse
from pathlib import Path

HELP = "say what changed between two records"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `diff`."""
    parser.add_argument("first", type=Path, metavar="A", help="a record.json, its folder, or the picture")
    parser.add_argument("second", type=Path, metavar="B", help="another")
    parser.add_argument(
        "--out", type=Path, metavar="PNG", help="write both pictures and where they differ side by side"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare the records; see the module's text for the exit status."""
    from .recorded_runs import run_diff

    return run_diff(arguments)
