"""Run one graph for every row of a list, unattended, on a ComfyUI server.

GRAPH.json is an API prompt (Workflow, Export (API)). ROWS is a .csv, a .jsonl or a folder of pictures; the columns name the
inputs they set by node title or id, such as Sampler.seed or 12.seed. An empty cell leaves what the graph says, and a column
called name names the row's files. Pictures are named relative to ROWS and uploaded.

Every row is checked before the first runs. The folder --out holds a ledger: running the same command again does what is left,
rows that failed included, and never what is done. It ends in pictures/, contact sheets, summary.csv and summary.json.

Exit status: 0 every row came out, 1 some did not, 2 none did, nothing could run, or the results cannot be written.
"""

import argparse
from pathlib import Path
from typing import Any

HELP = "run a graph for every row of a list on a server, and continue where it stopped"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `batch`."""
    parser.add_argument("graph", type=Path, metavar="GRAPH.json", help="the graph as an API prompt")
    parser.add_argument("rows", type=Path, metavar="ROWS", nargs="?", help="a .csv, a .jsonl or a folder of pictures")
    add_server_addresses(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("batch"), help="default ./batch")
    add_row_options(parser)
    add_run_options(parser)
    add_cluster_options(parser)


def add_server_addresses(parser: argparse.ArgumentParser) -> None:
    """Where rows run."""
    parser.add_argument(
        "--server",
        metavar="URL",
        action="append",
        default=[],
        help="default http://127.0.0.1:8188; given again, the rows are shared out (needs the package ray)",
    )


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Which inputs the rows set, and with what."""
    group = parser.add_argument_group("rows")
    group.add_argument(
        "--vary",
        metavar="COLUMN=VALUES",
        action="append",
        default=[],
        help="every row with every one of these: 1..4, a,b,c, a .txt file with a value a line, or a folder of pictures",
    )
    group.add_argument(
        "--map",
        metavar="COLUMN=INPUT",
        action="append",
        default=[],
        help="a column of another name sets this input, such as --map prompt=Prompt.text",
    )
    group.add_argument("--picture", metavar="INPUT", default="", help="the input that takes a folder's pictures")
    group.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="where rows' pictures lie (default: beside ROWS); none elsewhere is read",
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """How rows run."""
    group = parser.add_argument_group("running")
    group.add_argument(
        "--minimum-adherence",
        type=float,
        metavar="SCORE",
        help="a picture whose Control Adherence is lower does not count; --retry then takes other seeds",
    )
    group.add_argument("--strict", action="store_true", help="run nothing unless every row is fit to run")
    add_server_options(group)


def add_server_options(group: Any) -> None:
    """What any run of rows on servers may be told. group: a parser, or a group of its options."""
    group.add_argument("--retry", type=int, metavar="N", default=0, help="try a failed row up to N more times")
    group.add_argument(
        "--row-timeout", type=float, metavar="SECONDS", help="stop a row that takes longer (default: never)"
    )
    group.add_argument(
        "--patience", type=float, metavar="SECONDS", default=300, help="how long a server may be away (default: 300)"
    )
    group.add_argument("--ahead", type=int, metavar="N", default=2, help="rows in the server's queue (default: 2)")
    group.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="sent with every request, such as a token; @FILE reads one per line and keeps them off the process list",
    )
    group.add_argument("--check", action="store_true", help="check every row, then stop")
    group.add_argument(
        "--despite-errors",
        action="store_true",
        help="run rows too in which the compatibility check finds an error, and say so",
    )


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """More than one machine."""
    group = parser.add_argument_group("several machines (needs the package ray)")
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="run on this Ray cluster ('auto' on one of its machines): with --server on the servers given, else on one ComfyUI "
        "for each GPU, started from --comfyui, which must lie at the same place on every machine",
    )
    group.add_argument(
        "--resources",
        metavar="NAME=AMOUNT",
        action="append",
        default=[],
        help="what one started server takes of the cluster, instead of GPU=1; may be given again",
    )
    group.add_argument(
        "--server-arguments", metavar="TEXT", default="", help="added to the command line of every started server"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the batch; see the module's text for the exit status."""
    from .servers import run_on_servers

    return run_on_servers(arguments)
