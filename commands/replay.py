"""Make a picture again from its record, and say whether it came out the same.

RECORD is a record.json, its folder, or the PNG that Save Record wrote. Only nodes that the server has are run, and only those
that lead to the picture; nothing else in a record is ever executed.

Exit status: 0 bit-equal, 1 it came out differently, 2 it could not be made.
"""

import argparse
from pathlib import Path

HELP = "make a picture again from its record and compare"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `replay`."""
    parser.add_argument("record", type=Path, metavar="RECORD", help="a record.json, its folder, or the picture")
    parser.add_argument(
        "--server", metavar="URL", default="http://127.0.0.1:8188", help="default http://127.0.0.1:8188"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the new pictures go (default: they are not kept)"
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="look here for missing model files by sum",
    )
    parser.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="sent with every request, such as a token; @FILE reads one per line",
    )


def run(arguments: argparse.Namespace) -> int:
    """Replay the record; see the module's text for the exit status."""
    from .recorded_runs import run_replay

    return run_replay(arguments)
