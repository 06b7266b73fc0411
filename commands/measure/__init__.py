"""Measure what each control of a graph does to the pictures of a folder, on your own models.

GRAPH is an API prompt or a saved graph; its Load Image or Example Picture gives its place to the pictures of --pictures, one
after the other. Each control signal is drawn with at weight 0, 0.5 and 1, and at 1 with the map of the next picture, the other
signals being off; several signals also all together, as the graph says. Control Adherence measures each picture against the
map that its signal got, by that map's own method. docs/measure.md says how the measures compare with those of ControlNet++.

With --savings it weighs instead what Control Savings gain in time against what they cost in obedience: nothing left out, every
second, third and fourth step, the prompt's half alone, and control that ends early; --steps and --samplers take several of each.
savings.md, savings.json, savings.png and savings_contact_sheet.jpg hold what comes of it.

The folder --out then holds measure.md, measure.json and contact_sheet.jpg, and in runs/ what `batch` keeps: the same command
again draws what is left, and nothing twice.

Exit status: 0 everything was measured, 1 some of it was not, 2 nothing was.
"""

import argparse
from pathlib import Path

from ..batch import add_server_addresses, add_server_options
from ..numbers_within import number

HELP = "measure what each control of a graph does, over a folder of pictures"
NEEDS_HOST = True
PROBLEM_STATUS = 2  # 1 means that a part was measured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `measure`."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="an API prompt, a saved graph, or a picture with one")
    parser.add_argument("--pictures", type=Path, metavar="DIR", required=True, help="the folder of pictures")
    parser.add_argument(
        "--limit", type=number(1, 1_000_000), metavar="N", help="only the first N pictures, by name (default: all)"
    )
    parser.add_argument(
        "--input", metavar="NODE", default="", help="title or id of the node whose place the pictures take"
    )
    parser.add_argument(
        "--result",
        metavar="NODE",
        default="",
        help="title or id of the node that gives or saves the picture to measure",
    )
    add_server_addresses(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("measure"), help="default ./measure")
    savings = parser.add_argument_group("savings")
    savings.add_argument("--savings", action="store_true", help="weigh what control savings gain and cost instead")
    savings.add_argument(
        "--steps",
        type=number(1, 10_000),
        nargs="+",
        default=[],
        metavar="N",
        help="with --savings: numbers of steps (default: the graph's own)",
    )
    savings.add_argument(
        "--samplers",
        nargs="+",
        default=[],
        metavar="NAME",
        help="with --savings: samplers (default: the graph's own)",
    )
    group = parser.add_argument_group("your team's sheet")
    group.add_argument(
        "--record", choices=("validated", "refused"), help="add the graph's combinations to it, with what was measured"
    )
    group.add_argument(
        "--models",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="with --record: folder with checkpoints, controlnet, loras, ...; may be given again",
    )
    group.add_argument(
        "--sheet", metavar="FILE", type=Path, help="with --record: the sheet (default: armature.json beside the graph)"
    )
    add_server_options(parser.add_argument_group("running"))
    # What `batch` knows and nobody needs here.
    parser.set_defaults(ray=None, resources=[], server_arguments="", strict=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure; see the module's text for the exit status."""
    from .command import run_measure

    return run_measure(arguments)
